// The settings of a viewer: values at the start, what a change makes necessary, what is reported. Python knows all of them,
// so that an address can hold whatever is shown.

const DEFAULTS = {
  planes: 'all', overlay: true, smooth: true, fade: true, crosshair: true, patch: true,
  black: 0, white: 1, signedScale: 'blue-red', unsignedScale: 'orange-red', top: null, zoom: null, contours: true,
};
const SETTINGS = [
  'view', 'layout', 'convention', 'threshold', 'threshold_mode', 'cluster', 'opacity', 'outlines', 'share_range', ...Object.keys(DEFAULTS),
];
const WORK = {
  layout: ['view', 'layout', 'planes', 'convention', 'share_range', 'top'],
  measure: ['threshold', 'threshold_mode', 'cluster'],
  color: ['threshold', 'threshold_mode', 'opacity', 'fade', 'signedScale', 'unsignedScale', 'share_range', 'top'],
  window: ['black', 'white'],
};
const LEAST_WINDOW = 0.02; // between black and white

export const ALL_WORK = Object.keys(WORK);

export function startSettings(given, before = {}) {
  return { ...DEFAULTS, ...given, ...before };
}

// What must be done anew before the next frame can be drawn.
export function workFor(changes) {
  return ALL_WORK.filter((work) => WORK[work].some((name) => name in changes));
}

export function reportedSettings(settings) {
  return Object.fromEntries(SETTINGS.map((name) => [name, settings[name]]));
}

// What Python changed since it last gave settings; what the reader chose stays otherwise.
export function changesFromPython(known, given) {
  const [before, now] = [startSettings(known), startSettings(given)];
  const changed = SETTINGS.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]));
  return Object.fromEntries(changed.map((name) => [name, now[name]]));
}

// Black stays below white: the one that is moved pushes the other.
export function withWindow(changes, { black, white }) {
  if ('black' in changes) return { ...changes, white: Math.max(changes.white ?? white, changes.black + LEAST_WINDOW) };
  if ('white' in changes) return { ...changes, black: Math.min(black, changes.white - LEAST_WINDOW) };
  return changes;
}

export function thresholdOf(settings) {
  return settings.threshold ?? (settings.threshold_mode === 'percentile' ? 90 : 0);
}
