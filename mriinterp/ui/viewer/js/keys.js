// What keys do in a plane. The list that `?` shows is made of the same table.

const ZOOM_STEP = 1.25;
const FAR = 1e6; // voxels; the crosshair stops at the border

function step({ viewer }, axis, steps, event) {
  viewer.step(axis, event.shiftKey ? 10 * steps : steps);
}

function arrow(pane, event) {
  const { horizontal, vertical } = pane.plane;
  const right = pane.flip ? -1 : 1;
  const moves = { ArrowLeft: [horizontal, -right], ArrowRight: [horizontal, right], ArrowUp: [vertical, 1], ArrowDown: [vertical, -1] };
  step(pane, ...moves[event.key], event);
}

export const KEYS = [
  { keys: ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'], shown: 'Arrows', words: 'move the crosshair', act: arrow },
  {
    keys: ['PageUp', 'PageDown'], shown: 'Page Up, Page Down', words: 'change the slice; these and the arrows with Shift by 10',
    act: (pane, event) => step(pane, pane.plane.axis, event.key === 'PageUp' ? 1 : -1, event),
  },
  {
    keys: ['Home', 'End'], shown: 'Home, End', words: 'first and last slice',
    act: ({ viewer, plane }, event) => viewer.step(plane.axis, event.key === 'End' ? FAR : -FAR),
  },
  { keys: [' '], shown: 'Space', words: 'play through the slices, or stop', act: ({ viewer }) => viewer.player.toggle() },
  { keys: ['p'], shown: 'P', words: 'go to the peak', act: ({ viewer }) => viewer.toPeak() },
  { keys: ['o'], shown: 'O', words: 'hide or show the relevance', act: ({ viewer }) => viewer.set({ overlay: !viewer.settings.overlay }) },
  {
    keys: ['+', '=', '-'], shown: '+ −', words: 'zoom at the crosshair',
    act: ({ viewer }, event) => viewer.viewport.zoomBy(event.key === '-' ? 1 / ZOOM_STEP : ZOOM_STEP),
  },
  { keys: ['0'], shown: '0', words: 'whole planes again', act: ({ viewer }) => viewer.viewport.zoomOut() },
  { keys: ['t'], shown: 'T', words: 'go to the controls; Escape goes back', act: ({ viewer }) => viewer.toolbar.focus() },
  { keys: ['Enter'], shown: 'Enter', words: 'update the rest of the page at once', act: ({ viewer }) => viewer.report() },
  { keys: ['?'], shown: '?', words: 'show or hide this list', act: ({ viewer }) => viewer.toolbar.toggleKeys() },
];

export const MOUSE = [
  { shown: 'Click, drag', words: 'move the crosshair' },
  { shown: 'Wheel', words: 'change the slice, once a plane was clicked; before, it scrolls the page' },
  { shown: 'Ctrl + wheel, pinch', words: 'zoom at the pointer' },
  { shown: 'Shift + drag', words: 'move a plane that is zoomed' },
  { shown: 'Right button, drag', words: 'brightness (up, down) and contrast (left, right)' },
  { shown: 'Double click', words: 'one plane, large; again: all three' },
];

// Do what a key does; false for a key that does nothing here.
export function runKey(pane, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const found = KEYS.find(({ keys }) => keys.includes(name));
  if (!found) return false;
  found.act(pane, event);
  return true;
}
