// What of the relevance is shown, and how: the switch and the threshold in the row of controls, the rest in the settings.

import { farEnd } from './colors.js';
import { isFocused } from './controls.js';
import { h } from './dom.js';
import { formatNumber } from './numbers.js';

export class OverlayControls {
  constructor(viewer, controls) {
    this.viewer = viewer;
    this.threshold = h('input', {
      type: 'range', min: '0', max: '1000', step: '1', 'data-setting': 'threshold', 'aria-label': 'Threshold',
      oninput: () => viewer.set({ threshold: this.fromSlider(Number(this.threshold.value)) }),
    });
    this.thresholdNumber = h('input', {
      type: 'number', min: '0', step: 'any', class: 'number', 'data-setting': 'threshold-exact',
      'aria-label': 'Threshold, exact',
      onchange: () => viewer.set({ threshold: Math.max(0, Number(this.thresholdNumber.value) || 0) }),
    });
    const modes = [['percentile', 'percentile'], ['value', 'value']];
    const mode = controls.select({ setting: 'threshold_mode', label: 'Threshold by', options: modes });
    const cluster = h('input', {
      type: 'number', min: '1', step: '1', class: 'number small', 'data-setting': 'cluster',
      'aria-label': 'Smallest cluster in voxels',
      title: 'Hide clusters of fewer voxels; voxels touch by faces',
      oninput: () => viewer.set({ cluster: Math.max(1, Math.round(Number(cluster.value) || 1)) }),
    });
    controls.syncs.push((settings) => {
      const value = viewer.thresholdSetting;
      this.threshold.value = String(this.toSlider(value));
      const shown = settings.threshold_mode === 'percentile' ? Math.round(value * 100) / 100 : Number(value.toPrecision(3));
      this.amount.textContent = settings.threshold_mode === 'percentile' ? `${shown}%` : formatNumber(value, 2);
      if (!isFocused(this.thresholdNumber)) this.thresholdNumber.value = String(shown);
      if (!isFocused(cluster)) cluster.value = String(settings.cluster);
    });
    const borders = [['off', 'off'], ['area', 'this area'], ['all', 'all areas']];
    const outlines = controls.select({ text: 'Outlines', setting: 'outlines', options: borders });
    this.amount = h('output', { class: 'amount' });
    this.element = h('div', { class: 'field relevance', role: 'group', 'aria-label': 'Relevance' },
      controls.toggle({ text: 'Overlay', setting: 'overlay' }),
      h('label', { class: 'field' }, h('span', { text: 'Threshold' }), this.threshold, this.amount));
    this.more = h('div', { class: 'fields' },
      h('div', { class: 'field' }, h('span', { text: 'Threshold' }), this.thresholdNumber, mode),
      h('label', { class: 'field' }, h('span', { text: 'Cluster ≥' }), cluster, h('span', { text: 'voxels' })),
      controls.slider({ text: 'Opacity', setting: 'opacity', low: 0, high: 1, step: 0.01, show: (v) => `${Math.round(100 * v)}%` }),
      outlines);
    controls.syncs.push(() => {
      this.element.hidden = viewer.views.every((view) => !view.map);
      this.more.hidden = this.element.hidden;
      outlines.hidden = !viewer.areas;
    });
  }

  // A threshold as a position of the slider and back; values run to the top of the widest scale.
  get thresholdTop() {
    if (this.viewer.settings.threshold_mode === 'percentile') return 100;
    return Math.max(...this.viewer.views.map((view) => farEnd(view.range ?? [0, 0])), 1e-12);
  }

  toSlider(value) {
    return Math.round((1000 * value) / this.thresholdTop);
  }

  fromSlider(position) {
    return (position / 1000) * this.thresholdTop;
  }
}
