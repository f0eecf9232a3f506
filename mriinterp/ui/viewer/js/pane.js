// One plane of one map: picture, crosshair, letters, and the ways to move in it.

import { fitCanvas, h } from './dom.js';
import { isFlipped, planeLetters } from './geometry.js';
import { formatMm } from './numbers.js';
import { drawPatch, patchCenters } from './patch.js';
import { SliceImage } from './slice.js';
import { CROSSHAIR, haloText } from './text.js';

export class Pane {
  constructor(viewer, view, plane) {
    Object.assign(this, { viewer, view, plane });
    this.image = new SliceImage(viewer.space, plane);
    this.wheel = 0;
    this.canvas = h('canvas', {
      class: 'pane', tabindex: '0', role: 'application', 'data-plane': plane.name.toLowerCase(),
      'aria-roledescription': 'brain slice',
      onpointerdown: (event) => this.press(event),
      onpointermove: (event) => this.drag(event),
      onpointerup: (event) => this.release(event),
      onpointercancel: (event) => this.release(event),
      ondblclick: () => viewer.set({ planes: viewer.settings.planes === 'all' ? plane.name : 'all' }),
      onkeydown: (event) => this.key(event),
      onfocus: () => viewer.activate(plane.axis, view),
    });
    this.canvas.addEventListener('wheel', (event) => this.roll(event), { passive: false });
  }

  get flip() {
    return isFlipped(this.plane.horizontal, this.viewer.settings.convention);
  }

  get letters() {
    return planeLetters(this.plane, this.viewer.settings.convention);
  }

  resize(width, height) {
    const [across, up] = this.viewer.space.extent(this.plane);
    const scale = Math.min(width / across, height / up);
    Object.assign(this, { width, height });
    const [wide, high] = [across * scale, up * scale];
    this.box = { width: wide, height: high, x: (width - wide) / 2, y: (height - high) / 2 };
    this.context = fitCanvas(this.canvas, width, height);
  }

  draw() {
    const { viewer, view, plane, context, box, flip } = this;
    const { settings, cursor } = viewer;
    const slice = cursor[plane.axis];
    context.fillStyle = '#000';
    context.fillRect(0, 0, this.width, this.height);
    const map = settings.overlay ? view.map : null;
    this.image.draw(context, box, { scan: view.scan, map, table: view.table, mask: view.mask, slice, flip, smooth: settings.smooth });
    if (viewer.outlines && settings.outlines !== 'off') {
      const current = viewer.areas.codes[viewer.space.index(cursor)];
      viewer.outlines.draw(context, box, plane, slice, flip, current, settings.outlines);
    }
    if (viewer.spec.patch && settings.patch) drawPatch(this);
    if (settings.crosshair) this.drawCrosshair();
    this.drawLabels();
    const mm = viewer.space.mm(cursor)[plane.axis];
    this.canvas.setAttribute('aria-label', `${view.name} ${plane.name}, ${plane.coordinate} = ${formatMm(mm)} mm. `
      + 'Arrow keys move the crosshair, Page Up and Page Down change the slice.');
  }

  patchCenters() {
    return patchCenters(this);
  }

  // Screen position of a voxel's centre (fractional voxels allowed).
  place(voxel) {
    const { horizontal, vertical } = this.plane;
    const [columns, rows] = [this.viewer.space.shape[horizontal], this.viewer.space.shape[vertical]];
    const x = this.flip ? columns - 1 - voxel[horizontal] : voxel[horizontal];
    return [
      this.box.x + ((x + 0.5) * this.box.width) / columns,
      this.box.y + ((rows - 0.5 - voxel[vertical]) * this.box.height) / rows,
    ];
  }

  // Pixels that a voxel is wide along an axis of the plane.
  voxelSize(axis) {
    const { shape } = this.viewer.space;
    return axis === this.plane.horizontal ? this.box.width / shape[axis] : this.box.height / shape[axis];
  }

  drawCrosshair() {
    const { context, box } = this;
    const [x, y] = this.place(this.viewer.cursor).map((v) => Math.round(v) + 0.5);
    const gap = 7;
    context.beginPath();
    for (const [from, to] of [[box.x, x - gap], [x + gap, box.x + box.width]]) {
      if (to > from) { context.moveTo(from, y); context.lineTo(to, y); }
    }
    for (const [from, to] of [[box.y, y - gap], [y + gap, box.y + box.height]]) {
      if (to > from) { context.moveTo(x, from); context.lineTo(x, to); }
    }
    context.lineWidth = 1;
    context.globalAlpha = 0.85;
    context.strokeStyle = CROSSHAIR;
    context.stroke();
    context.globalAlpha = 1;
  }

  drawLabels() {
    const { context, plane, viewer, width, height } = this;
    const { letters } = this;
    const small = width < 190;
    context.font = `600 ${small ? 12 : 14}px ${viewer.font}`;
    const edge = small ? 4 : 7;
    haloText(context, letters.left, edge, height / 2, 'left', 'middle');
    haloText(context, letters.right, width - edge, height / 2, 'right', 'middle');
    haloText(context, letters.top, width / 2, edge, 'center', 'top');
    haloText(context, letters.bottom, width / 2, height - edge, 'center', 'bottom');
    context.font = `${small ? 11 : 13}px ${viewer.font}`;
    const mm = viewer.space.mm(viewer.cursor)[plane.axis];
    if (width > 240) haloText(context, plane.name, 8, 8, 'left', 'top', '#b9bec7');
    const unit = small ? '' : ' mm';
    haloText(context, `${plane.coordinate} ${formatMm(mm)}${unit}`, width - edge - 1, edge + 1, 'right', 'top', '#b9bec7');
  }

  locate(event) {
    const { horizontal, vertical } = this.plane;
    const { shape } = this.viewer.space;
    const bounds = this.canvas.getBoundingClientRect();
    const x = Math.floor(((event.clientX - bounds.left - this.box.x) / this.box.width) * shape[horizontal]);
    const y = Math.floor(((event.clientY - bounds.top - this.box.y) / this.box.height) * shape[vertical]);
    const voxel = [...this.viewer.cursor];
    voxel[horizontal] = this.flip ? shape[horizontal] - 1 - x : x;
    voxel[vertical] = shape[vertical] - 1 - y;
    return this.viewer.space.inside(voxel);
  }

  press(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pressed = true;
    this.viewer.player.stop();
    this.viewer.moveTo(this.locate(event));
  }

  drag(event) {
    if (this.pressed) this.viewer.moveTo(this.locate(event));
  }

  release(event) {
    if (!this.pressed) return;
    this.pressed = false;
    if (event.type === 'pointerup') this.viewer.report();
  }

  roll(event) {
    if (event.ctrlKey) return; // the browser's own zoom
    event.preventDefault();
    this.wheel += event.deltaMode === 1 ? event.deltaY * 40 : event.deltaY;
    const steps = Math.trunc(this.wheel / 40);
    if (!steps) return;
    this.wheel = 0;
    this.viewer.activate(this.plane.axis, this.view);
    this.viewer.step(this.plane.axis, -Math.sign(steps) * Math.min(3, Math.abs(steps)));
  }

  key(event) {
    const { viewer, plane } = this;
    const right = this.flip ? -1 : 1;
    const moves = {
      ArrowLeft: [plane.horizontal, -right], ArrowRight: [plane.horizontal, right],
      ArrowUp: [plane.vertical, 1], ArrowDown: [plane.vertical, -1],
      PageUp: [plane.axis, 1], PageDown: [plane.axis, -1],
      Home: [plane.axis, -1e6], End: [plane.axis, 1e6],
    };
    if (event.key in moves) {
      const [axis, step] = moves[event.key];
      viewer.step(axis, event.shiftKey ? 10 * step : step);
    } else if (event.key === ' ') viewer.togglePlay();
    else if (event.key === 'Enter') viewer.report();
    else if (event.key === 'o') viewer.set({ overlay: !viewer.settings.overlay });
    else if (event.key === 'p') viewer.toPeak();
    else return;
    event.preventDefault();
  }
}
