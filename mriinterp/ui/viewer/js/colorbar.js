// The colour scale of one map: colours, what is hidden in grey, numbers, and what either side of 0 means.

import { farEnd, HIDDEN_GREY, rampIndex, strengthOf } from './colors.js';
import { fitCanvas, h } from './dom.js';
import { clamp, formatNumber } from './numbers.js';

const END = 6; // pixels

export class ColorBar {
  constructor(view) {
    this.view = view;
    this.canvas = h('canvas', { class: 'colorbar', role: 'img' });
    const [below, above] = view.ends ?? ['', ''];
    const words = [view.part === 'positive' ? '' : below, view.part === 'negative' ? '' : above];
    this.ends = view.ends && h('div', { class: 'ends' }, ...words.map((text) => h('span', { text, 'data-text': true })));
    this.element = h('div', { class: 'scale' }, this.canvas, this.ends);
  }

  resize(width) {
    this.width = width;
    this.height = 30 * this.view.viewer.type;
    this.element.style.width = `${width}px`;
    this.context = fitCanvas(this.canvas, width, this.height);
  }

  get ticks() {
    const { range, threshold, map } = this.view;
    const inner = threshold > 0 && threshold < farEnd(range) ? [threshold] : [];
    if (!map.signed) return [range[0], ...inner.filter((v) => v > range[0]), range[1]];
    const within = [...inner.map((v) => -v), 0, ...inner].filter((v) => v > range[0] && v < range[1]);
    return [range[0], ...within, range[1]];
  }

  draw(viewer, context = this.context, x0 = 0, y0 = 0, colors = viewer.colors) {
    const { view, width } = this;
    const { range, threshold, ramp, map } = view;
    const { type } = viewer;
    const inset = 22 * type;
    const long = width - 2 * inset;
    context.clearRect(x0, y0, width, this.height);
    // Where the threshold is the largest value, as of a map of tied boxes, the colour of that value is still given.
    const shownEnd = map.top >= threshold * (1 - 1e-6) ? farEnd(range) - (END * (range[1] - range[0])) / long : Infinity;
    for (let x = 0; x < long; x += 1) {
      const value = range[0] + ((x + 0.5) / long) * (range[1] - range[0]);
      const size = map.signed ? Math.abs(value) : value;
      const at = 3 * rampIndex(value, range);
      const hidden = size < Math.min(threshold, shownEnd) || size === 0;
      const part = hidden ? 0 : viewer.settings.fade ? strengthOf(value, farEnd(range)) : 1;
      const [r, g, b] = HIDDEN_GREY.map((grey, c) => Math.round(grey + part * (ramp[at + c] - grey)));
      context.fillStyle = `rgb(${r}, ${g}, ${b})`;
      context.fillRect(x0 + inset + x, y0 + 2, 1.5, 10 * type);
    }
    context.strokeStyle = colors.border;
    context.lineWidth = 1;
    context.strokeRect(x0 + inset - 0.5, y0 + 1.5, long + 1, 10 * type + 1);
    context.font = `${12 * type}px ${viewer.font}`;
    context.textBaseline = 'top';
    context.fillStyle = colors.text;
    const place = (value) => x0 + inset + ((value - range[0]) / (range[1] - range[0])) * long;
    const taken = [];
    // The ends and zero first; a threshold gets its number only where there is room.
    const order = [...this.ticks].sort((a, b) => this.rank(a) - this.rank(b));
    for (const value of order) {
      const text = this.label(value);
      const half = context.measureText(text).width / 2 + 3;
      const at = clamp(place(value), x0 + half - 3, x0 + width - half + 3);
      if (taken.some(([low, high]) => at + half > low && at - half < high)) continue;
      taken.push([at - half, at + half]);
      context.textAlign = 'center';
      context.fillText(text, at, y0 + 10 * type + 5);
      context.fillRect(Math.round(place(value)) - 0.5, y0 + 10 * type + 2, 1, 3);
    }
    const unit = [view.unit, this.ends?.textContent].filter(Boolean).map((text) => `, ${text}`).join('');
    this.canvas.setAttribute('aria-label', `Colour scale from ${formatNumber(range[0])} to ${formatNumber(range[1])}${unit}; `
      + `grey below ${formatNumber(threshold)}`);
  }

  rank(value) {
    const { range } = this.view;
    return value === range[0] || value === range[1] ? 0 : value === 0 ? 1 : 2;
  }

  // "≥" where the map goes beyond the end of its scale.
  label(value) {
    const { range, map } = this.view;
    const beyond = map.top > 1.001 * farEnd(range);
    if (beyond && value === range[1] && value > 0) return `≥ ${formatNumber(value, 2)}`;
    if (beyond && map.signed && value === range[0] && value < 0) return `≤ ${formatNumber(value, 2)}`;
    return formatNumber(value, 2);
  }
}
