// Settings and crosshair by key of the component: they survive when the page mounts the viewer anew. `due`: they are not
// reported yet. While the page changes, the old viewer may outlive the mounting of the new one, whose state counts.

import { ALL_WORK } from './settings.js';

const remembered = new Map();
const owners = new Map();

export function own(viewer) {
  owners.set(viewer.spec.key, viewer);
}

// What the reader chose on a viewer that the page is about to take away goes to the one in its place, if there is one.
export function handOver(viewer, delay) {
  const heir = heirOf(viewer);
  if (!heir) return false;
  Object.assign(heir.settings, viewer.settings);
  heir.cursor = heir.space.inside(viewer.cursor);
  heir.waiting = viewer.waiting;
  heir.viewport.follow(heir.cursor, []);
  heir.ask(...ALL_WORK);
  heir.report(delay);
  return true;
}

// The viewer that has taken the place of this one, if another one has.
export function heirOf(viewer) {
  const owner = owners.get(viewer.spec.key);
  return owner !== viewer && owner && !owner.closed && owner.begin === viewer.begin ? owner : null;
}

export function remember(viewer) {
  const { spec, settings, given, begin, cursor, move, waiting, reporter } = viewer;
  if (owners.get(spec.key) === viewer) remembered.set(spec.key, { settings, given, begin, cursor, move, waiting, due: reporter.due });
}

// Where the crosshair goes: `asked`, where Python says; `kept`, where it was; or neither: to the peak. `waiting`: neither
// Python nor the reader has placed it and there is no peak yet, as of a scan whose map is still being made.
export function nextPlace(memory, spec, peak) {
  const waited = memory?.waiting ?? !memory;
  const asked = spec.cursor && memory?.move !== spec.move ? spec.cursor : null;
  const kept = memory && !waited && memory.move === spec.move ? memory.cursor : null;
  return { asked, kept: asked ? null : (kept ?? null), waiting: waited && !asked && !peak };
}

export function recall(key) {
  return remembered.get(key);
}
