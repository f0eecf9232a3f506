// Entry of the invisible component that carries one volume to the browser.

import { keepVolume, releaseVolume } from './store.js';

const kept = new WeakMap();

export default function ({ data, parentElement }) {
  const before = kept.get(parentElement);
  if (data instanceof Uint8Array) kept.set(parentElement, keepVolume(data));
  if (before) releaseVolume(before);
  return () => {
    if (kept.has(parentElement)) releaseVolume(kept.get(parentElement));
    kept.delete(parentElement);
  };
}
