// Pointer, wheel and keys in a plane.

import { clamp } from './numbers.js';
import { runKey } from './keys.js';

const LINE = 40; // px of the wheel to a slice, and to a line of a wheel that counts lines
const DRAGGED = 3; // px: less is a click
const LEFT = 0;
const MIDDLE = 1;
const RIGHT = 2;

export class PaneInput {
  constructor(pane) {
    this.pane = pane;
    this.wheel = 0;
    this.mode = null; // while a button is down: 'cross', 'pan' or 'window'
    const { canvas } = pane;
    const listen = (name, act, options) => canvas.addEventListener(name, act, options);
    listen('pointerdown', (event) => this.press(event));
    listen('pointermove', (event) => this.drag(event));
    listen('pointerup', (event) => this.release(event));
    listen('pointercancel', (event) => this.release(event));
    listen('contextmenu', (event) => event.preventDefault()); // the right button drags
    listen('wheel', (event) => this.roll(event), { passive: false });
    listen('keydown', (event) => { if (runKey(pane, event)) event.preventDefault(); });
  }

  press(event) {
    const { viewer, canvas } = this.pane;
    const left = event.shiftKey ? 'pan' : 'cross';
    this.mode = { [LEFT]: left, [MIDDLE]: 'pan', [RIGHT]: 'window' }[event.button] ?? null;
    if (!this.mode) return;
    if (this.mode === 'pan') event.preventDefault(); // no scrolling by the middle button
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    this.last = this.first = [event.clientX, event.clientY];
    this.dragged = false;
    viewer.player.stop();
    if (this.mode === 'cross') this.cross(event);
  }

  drag(event) {
    if (!this.mode) return;
    const { pane } = this;
    const moved = [event.clientX - this.last[0], event.clientY - this.last[1]];
    this.dragged ||= Math.hypot(event.clientX - this.first[0], event.clientY - this.first[1]) > DRAGGED;
    this.last = [event.clientX, event.clientY];
    if (this.mode === 'cross') this.cross(event);
    else if (this.mode === 'pan') pane.pan(moved);
    else if (this.dragged) this.window(moved);
  }

  // The plane under the pointer stays where it is; the others follow if they are zoomed.
  cross(event) {
    const { viewer, plane } = this.pane;
    viewer.moveTo(this.pane.locate(event), [plane.horizontal, plane.vertical]);
  }

  // To the right more contrast, up brighter; the whole width of a plane is the width of the window.
  window([right, down]) {
    const { viewer, width } = this.pane;
    const { black, white } = viewer.settings;
    const half = clamp((white - black - right / width) / 2, 0.05, 0.85);
    const middle = clamp((white + black) / 2 + down / width, half - 0.5, 1.25 - half); // as far as the sliders go
    viewer.set({ black: middle - half, white: middle + half });
  }

  release(event) {
    const { mode } = this;
    this.mode = null;
    if (mode === 'cross' && event.type === 'pointerup') this.pane.viewer.report();
  }

  // The wheel scrolls the page until the reader is in the viewer.
  roll(event) {
    const { pane } = this;
    if (!pane.viewer.focus.isIn(pane.viewer.root)) return;
    event.preventDefault();
    const amount = event.deltaMode === 1 ? event.deltaY * LINE : event.deltaY;
    if (event.ctrlKey) {
      pane.viewer.viewport.zoomBy(2 ** (-amount / 200), pane.sharesAt(event));
      return;
    }
    this.wheel += amount;
    const steps = Math.trunc(this.wheel / LINE);
    if (!steps) return;
    this.wheel = 0;
    pane.viewer.activate(pane.plane.axis, pane.view);
    pane.viewer.step(pane.plane.axis, -Math.sign(steps) * Math.min(3, Math.abs(steps)));
  }
}
