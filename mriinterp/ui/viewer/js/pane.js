// One plane of one map: picture, crosshair, letters, and the ways to move in it.

import { fitCanvas, h } from './dom.js';
import { isFlipped, planeLetters } from './geometry.js';
import { formatMm } from './numbers.js';
import { drawOutlines } from './outline.js';
import { PaneInput } from './pane_input.js';
import { drawPatch, patchCenters } from './patch.js';
import { SliceImage } from './slice.js';
import { CROSSHAIR, haloText } from './text.js';
import { placeInBox, planeBox, sharesInBox } from './zoom.js';

export class Pane {
  constructor(viewer, view, plane) {
    Object.assign(this, { viewer, view, plane });
    this.image = new SliceImage(viewer.space, plane);
    this.canvas = h('canvas', {
      class: 'pane', tabindex: '0', role: 'application', 'data-plane': plane.name.toLowerCase(),
      'aria-roledescription': 'brain slice',
      ondblclick: () => viewer.set({ planes: viewer.settings.planes === 'all' ? plane.name : 'all' }),
      onfocus: () => viewer.activate(plane.axis, view),
    });
    this.input = new PaneInput(this);
  }

  get flip() {
    return isFlipped(this.plane.horizontal, this.viewer.settings.convention);
  }

  get letters() {
    return planeLetters(this.plane, this.viewer.settings.convention);
  }

  resize(width, height) {
    Object.assign(this, { width, height });
    this.context = fitCanvas(this.canvas, width, height);
  }

  // Where the whole slice lies on the canvas; with zoom, parts of it lie beyond.
  get box() {
    const { viewer, plane } = this;
    return planeBox(this, plane, viewer.space.extent(plane), viewer.viewport.zoom, this.flip);
  }

  draw() {
    const { viewer, view, plane, context, box, flip } = this;
    const { settings, cursor } = viewer;
    const slice = cursor[plane.axis];
    context.fillStyle = '#000';
    context.fillRect(0, 0, this.width, this.height);
    const map = settings.overlay ? view.map : null;
    this.image.draw(context, box, { scan: view.scan, map, table: view.table, mask: view.mask, slice, flip, smooth: settings.smooth });
    drawOutlines(viewer, context, box, { plane, slice, flip });
    if (viewer.spec.patch && settings.patch) drawPatch(this);
    if (settings.crosshair) this.drawCrosshair();
    this.drawLabels();
    const mm = viewer.space.mm(cursor)[plane.axis];
    this.canvas.setAttribute('aria-label', `${view.name} ${plane.name}, ${plane.coordinate} = ${formatMm(mm)} mm. `
      + 'Arrow keys move the crosshair, Page Up and Page Down change the slice, the question mark lists all keys.');
  }

  patchCenters() {
    return patchCenters(this);
  }

  // Screen position of a voxel's centre (fractional voxels allowed).
  place(voxel) {
    return placeInBox(this.box, this.plane, this.viewer.space.shares(voxel), this.flip);
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
    context.font = `600 ${viewer.type * (small ? 12 : 14)}px ${viewer.font}`;
    const edge = small ? 4 : 7;
    haloText(context, letters.left, edge, height / 2, 'left', 'middle');
    haloText(context, letters.right, width - edge, height / 2, 'right', 'middle');
    haloText(context, letters.top, width / 2, edge, 'center', 'top');
    haloText(context, letters.bottom, width / 2, height - edge, 'center', 'bottom');
    context.font = `${viewer.type * (small ? 11 : 13)}px ${viewer.font}`;
    const mm = viewer.space.mm(viewer.cursor)[plane.axis];
    const { factor } = viewer.viewport.zoom;
    const zoomed = factor > 1 ? `${factor.toFixed(1)}×` : '';
    const title = [width > 240 ? plane.name : '', zoomed].filter(Boolean).join(' ');
    if (title) haloText(context, title, edge + 1, edge + 1, 'left', 'top', '#b9bec7');
    const unit = small ? '' : ' mm';
    haloText(context, `${plane.coordinate} ${formatMm(mm)}${unit}`, width - edge - 1, edge + 1, 'right', 'top', '#b9bec7');
  }

  // The place under the pointer as shares of the volume; along the plane's own axis that of the crosshair.
  sharesAt(event) {
    const bounds = this.canvas.getBoundingClientRect();
    const at = [event.clientX - bounds.left, event.clientY - bounds.top];
    return sharesInBox(this.box, this.plane, at, this.flip, this.viewer.space.shares(this.viewer.cursor));
  }

  // The voxel under the pointer.
  locate(event) {
    const { space } = this.viewer;
    return space.inside(space.fromShares(this.sharesAt(event)));
  }

  // Move the picture by pixels.
  pan([right, down]) {
    const { horizontal, vertical } = this.plane;
    const shares = [0, 0, 0];
    shares[horizontal] = ((this.flip ? 1 : -1) * right) / this.box.width;
    shares[vertical] = down / this.box.height;
    this.viewer.viewport.panBy(shares);
  }
}
