// Seven slices along every axis at once, as in the figures of papers; a click goes there.

import { fitCanvas, h } from './dom.js';
import { PLANES, isFlipped, planeLetters } from './geometry.js';
import { runKey } from './keys.js';
import { formatMm } from './numbers.js';
import { drawOutlines } from './outline.js';
import { SliceImage } from './slice.js';
import { CROSSHAIR, haloText } from './text.js';

const MOSAIC_SLICES = 7;

export class Mosaic {
  constructor(viewer, view) {
    Object.assign(this, { viewer, view });
    this.images = PLANES.map((plane) => new SliceImage(viewer.space, plane));
    this.canvas = h('canvas', {
      class: 'pane mosaic', tabindex: '0', role: 'application',
      onfocus: () => viewer.activate(viewer.active, view),
      onpointerdown: (event) => {
        if (this.pick(event)) viewer.report();
      },
      onkeydown: (event) => this.key(event),
    });
  }

  get planes() {
    return this.viewer.shownPlanes;
  }

  slices(axis) {
    const [first, last] = this.view.scan.bounds(this.viewer.space)[axis];
    return Array.from({ length: MOSAIC_SLICES }, (_, n) => Math.round(first + ((n + 1) * (last - first)) / (MOSAIC_SLICES + 1)));
  }

  resize(width) {
    this.width = width;
    this.tiles = [];
    let top = 0;
    for (const plane of this.planes) {
      const [across, up] = this.viewer.space.extent(plane);
      const flip = isFlipped(plane.axis, this.viewer.settings.convention);
      const cell = width / MOSAIC_SLICES;
      const high = (cell * up) / across;
      const slices = this.slices(plane.axis);
      slices.forEach((slice, n) => {
        const column = flip ? MOSAIC_SLICES - 1 - n : n;
        this.tiles.push({ plane, slice, x: column * cell, y: top, width: cell, height: high });
      });
      top += high;
    }
    this.height = top;
    this.context = fitCanvas(this.canvas, width, top);
  }

  draw() {
    const { viewer, view, context } = this;
    const { settings, cursor } = viewer;
    context.fillStyle = '#000';
    context.fillRect(0, 0, this.width, this.height);
    const map = settings.overlay ? view.map : null;
    for (const tile of this.tiles) {
      const { plane, slice } = tile;
      const flip = isFlipped(plane.horizontal, settings.convention);
      const look = { scan: view.scan, map, table: view.table, mask: view.mask, slice, flip, smooth: settings.smooth };
      this.images[plane.axis].draw(context, tile, look);
      drawOutlines(viewer, context, tile, { plane, slice, flip });
      const voxel = [...cursor];
      voxel[plane.axis] = slice;
      context.font = `${tile.width < 100 ? 10 : 12}px ${viewer.font}`;
      const text = `${plane.coordinate} ${formatMm(viewer.space.mm(voxel)[plane.axis])}`;
      haloText(context, text, tile.x + 6, tile.y + 5, 'left', 'top', '#c3c8d0');
    }
    this.planes.forEach((plane) => this.drawLetters(plane));
    this.drawNearest();
    this.canvas.setAttribute('aria-label', `${view.name}: seven slices along each axis`);
  }

  drawLetters(plane) {
    const { context, viewer } = this;
    const letters = planeLetters(plane, viewer.settings.convention);
    const row = this.tiles.filter((tile) => tile.plane === plane);
    const left = row.find((tile) => tile.x === 0);
    context.font = `600 ${left.width < 100 ? 12 : 14}px ${viewer.font}`;
    haloText(context, letters.left, 5, left.y + left.height / 2, 'left', 'middle');
    haloText(context, letters.right, this.width - 5, left.y + left.height / 2, 'right', 'middle');
  }

  // A frame around the slice of each row that is nearest to the crosshair.
  drawNearest() {
    const { context, viewer } = this;
    if (!viewer.settings.crosshair) return;
    context.strokeStyle = CROSSHAIR;
    context.lineWidth = 1.5;
    for (const plane of this.planes) {
      const distance = (tile) => Math.abs(tile.slice - viewer.cursor[plane.axis]);
      const row = this.tiles.filter((tile) => tile.plane === plane);
      const near = row.reduce((best, tile) => (distance(tile) < distance(best) ? tile : best));
      context.strokeRect(near.x + 1, near.y + 1, near.width - 2, near.height - 2);
    }
  }

  pick(event) {
    if (event.button !== 0) return false;
    const bounds = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    const tile = this.tiles.find((t) => x >= t.x && x < t.x + t.width && y >= t.y && y < t.y + t.height);
    if (!tile) return false;
    const { plane, slice } = tile;
    const { shape } = this.viewer.space;
    const across = Math.floor(((x - tile.x) / tile.width) * shape[plane.horizontal]);
    const down = Math.floor(((y - tile.y) / tile.height) * shape[plane.vertical]);
    const voxel = [0, 0, 0];
    voxel[plane.axis] = slice;
    const flip = isFlipped(plane.horizontal, this.viewer.settings.convention);
    voxel[plane.horizontal] = flip ? shape[plane.horizontal] - 1 - across : across;
    voxel[plane.vertical] = shape[plane.vertical] - 1 - down;
    this.viewer.moveTo(this.viewer.space.inside(voxel));
    return true;
  }

  key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: 1, PageDown: -1 };
    if (event.key in steps) this.viewer.step(this.viewer.active, steps[event.key]);
    else if (!runKey({ viewer: this.viewer, plane: PLANES[this.viewer.active] }, event)) return;
    event.preventDefault();
  }
}
