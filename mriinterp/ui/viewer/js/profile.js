// Relevance per slice under a plane: where along the axis the map has its weight; click to go there.

import { fitCanvas, h } from './dom.js';
import { LETTERS, isFlipped } from './geometry.js';
import { formatMm } from './numbers.js';

export class Profile {
  constructor(viewer, view, plane) {
    Object.assign(this, { viewer, view, plane });
    this.canvas = h('canvas', {
      class: 'profile', tabindex: '0', role: 'slider', 'data-plane': plane.name.toLowerCase(),
      'aria-valuemin': '0', 'aria-valuemax': String(viewer.space.shape[plane.axis] - 1),
      'aria-label': `${view.name} relevance per ${plane.name.toLowerCase()} slice`,
      title: `Sum of the relevance shown, per ${plane.name.toLowerCase()} slice. Click or drag to go there.`,
      onpointerdown: (event) => {
        this.canvas.setPointerCapture(event.pointerId);
        this.pressed = true;
        viewer.player.stop();
        this.go(event);
      },
      onpointermove: (event) => this.pressed && this.go(event),
      onpointerup: () => { this.pressed = false; viewer.report(); },
      onpointercancel: () => { this.pressed = false; },
      onfocus: () => viewer.activate(plane.axis, view),
      onkeydown: (event) => this.key(event),
    });
  }

  get flip() {
    return isFlipped(this.plane.axis, this.viewer.settings.convention);
  }

  resize(width, height) {
    Object.assign(this, { width, height });
    this.context = fitCanvas(this.canvas, width, height);
  }

  get inset() {
    return { left: 18, width: this.width - 36 };
  }

  x(slice) {
    const count = this.viewer.space.shape[this.plane.axis];
    const { left, width } = this.inset;
    return left + (((this.flip ? count - 1 - slice : slice) + 0.5) * width) / count;
  }

  go(event) {
    const count = this.viewer.space.shape[this.plane.axis];
    const { left, width } = this.inset;
    const at = Math.floor(((event.clientX - this.canvas.getBoundingClientRect().left - left) / width) * count);
    const voxel = [...this.viewer.cursor];
    voxel[this.plane.axis] = this.flip ? count - 1 - at : at;
    this.viewer.moveTo(this.viewer.space.inside(voxel));
  }

  key(event) {
    const right = this.flip ? -1 : 1;
    const steps = {
      ArrowRight: right, ArrowLeft: -right, ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -1e6, End: 1e6,
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    this.viewer.step(this.plane.axis, steps[event.key]);
  }

  draw() {
    const { context, plane, viewer, view, width, height } = this;
    const slice = viewer.cursor[plane.axis];
    const colors = viewer.colors;
    context.clearRect(0, 0, width, height);
    const [low, high] = this.flip ? [...LETTERS[plane.axis]].reverse() : LETTERS[plane.axis];
    context.font = `600 12px ${viewer.font}`;
    context.fillStyle = colors.faint;
    context.textBaseline = 'middle';
    context.textAlign = 'left';
    context.fillText(low, 3, height / 2);
    context.textAlign = 'right';
    context.fillText(high, width - 3, height / 2);
    const measured = view.measured;
    const positive = measured?.positive[plane.axis];
    const negative = measured?.negative[plane.axis];
    const twoSided = view.map?.signed ?? false;
    const base = twoSided ? Math.round(height / 2) : height - 3;
    if (measured) {
      const top = Math.max(...positive, ...negative.map((v) => -v)) || 1;
      const room = twoSided ? height / 2 - 3 : height - 6;
      const bar = this.inset.width / positive.length;
      const column = (at, size, color) => {
        context.fillStyle = color;
        context.fillRect(this.x(at) - bar / 2, Math.min(base, base - size), Math.max(bar, 0.5) + 0.3, Math.abs(size));
      };
      for (let at = 0; at < positive.length; at += 1) {
        if (positive[at]) column(at, (room * positive[at]) / top, colors.positive);
        if (negative[at] && twoSided) column(at, (room * negative[at]) / top, colors.negative);
      }
    }
    context.fillStyle = colors.border;
    context.fillRect(this.inset.left, base, this.inset.width, 1);
    const x = this.x(slice);
    context.fillStyle = colors.text;
    context.fillRect(x - 1, 2, 2, height - 4);
    this.canvas.setAttribute('aria-valuenow', String(slice));
    const mm = viewer.space.mm(viewer.cursor)[plane.axis];
    this.canvas.setAttribute('aria-valuetext', `${plane.coordinate} = ${formatMm(mm)} mm`);
  }
}
