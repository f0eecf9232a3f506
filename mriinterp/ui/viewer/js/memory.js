// Settings and crosshair by key of the component: they survive when the page mounts the viewer anew.

const remembered = new Map();

export function remember({ spec, settings, given, begin, cursor, move }) {
  remembered.set(spec.key, { settings, given, begin, cursor, move });
}

export function recall(key) {
  return remembered.get(key);
}
