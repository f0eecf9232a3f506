// Entry of the component: called on mounting and whenever Python's message or the theme changes.

import { Viewer } from './viewer.js';

const mounted = new WeakMap();

export default function (component) {
  const parent = component.parentElement;
  if (!mounted.has(parent)) mounted.set(parent, new Viewer(parent));
  mounted.get(parent).accept(component);
  return () => {
    mounted.get(parent)?.close();
    mounted.delete(parent);
  };
}
