// The controls. Each knows how to show the settings and how to change them; nothing here draws.

import { farEnd, SCALES } from './colors.js';
import { h, icon } from './dom.js';
import { PLANES } from './geometry.js';
import { savePicture } from './picture.js';

const HINTS = {
  play: 'Play through the slices of the plane last used (space)',
  peak: 'Go to the strongest relevance of the map last used (p)',
  picture: 'Save what is shown as PNG',
  planes: 'Planes shown (double-click a plane to enlarge it)',
  convention: 'On which side of the screen the patient’s left lies',
  threshold_mode: 'Percentile of the magnitudes other than 0, each map its own; or one value for all maps',
  overlay: 'Show or hide the relevance (o)',
  black: 'Darkest grey of the scan: 0 % is its 1st, 100 % its 99th percentile',
  white: 'Brightest grey of the scan: 0 % is its 1st, 100 % its 99th percentile',
  fade: 'The weaker the relevance, the more transparent',
  smooth: 'Linear display; off: every voxel as a square',
  keys: 'Keys in a plane: arrows move, Page Up and Page Down change the slice, space plays, '
    + 'o hides the overlay, p goes to the peak',
};

export class Toolbar {
  constructor(viewer) {
    this.viewer = viewer;
    this.syncs = [];
    this.element = h('div', { class: 'toolbar', role: 'toolbar', 'aria-label': 'Viewer controls' },
      this.navigation(), this.overlayRow(), this.display());
  }

  sync() {
    for (const sync of this.syncs) sync(this.viewer.settings);
  }

  button({ label, text, image, press, name }) {
    const parts = [image ? icon(image) : null, text ? h('span', { class: name === 'reset' ? null : 'roomy', text }) : null];
    return h('button', {
      type: 'button', class: 'tool', 'aria-label': label, title: HINTS[name] ?? label, 'data-tool': name, onclick: press,
    }, ...parts);
  }

  toggle({ text, setting }) {
    const box = h('input', {
      type: 'checkbox', 'data-setting': setting, onchange: () => this.viewer.set({ [setting]: box.checked }),
    });
    this.syncs.push((settings) => { box.checked = settings[setting]; });
    return h('label', { class: 'field check', title: HINTS[setting] }, box, h('span', { text }));
  }

  segments({ setting, options, label }) {
    const buttons = options.map(([value, text]) => h('button', {
      type: 'button', class: 'segment', text, 'data-value': value, onclick: () => this.viewer.set({ [setting]: value }),
    }));
    this.syncs.push((settings) => buttons.forEach((button) => {
      button.setAttribute('aria-pressed', String(button.dataset.value === settings[setting]));
    }));
    return h('div', { class: 'segments', role: 'group', 'aria-label': label }, ...buttons);
  }

  select({ text, setting, options, label }) {
    const field = h('select', {
      'data-setting': setting, 'aria-label': label ?? text, title: HINTS[setting],
      onchange: () => this.viewer.set({ [setting]: field.value }),
    }, ...options.map(([value, name]) => h('option', { value, text: name })));
    this.syncs.push((settings) => { field.value = settings[setting]; });
    return h('label', { class: 'field' }, text ? h('span', { text }) : null, field);
  }

  slider({ text, setting, low, high, step, show }) {
    const output = h('output', { class: 'amount roomy' });
    const field = h('input', {
      type: 'range', min: String(low), max: String(high), step: String(step),
      'data-setting': setting, 'aria-label': text, title: HINTS[setting],
      oninput: () => this.viewer.set({ [setting]: Number(field.value) }),
    });
    this.syncs.push((settings) => {
      field.value = String(settings[setting]);
      output.textContent = show(settings[setting]);
    });
    return h('label', { class: 'field' }, h('span', { text }), field, output);
  }

  navigation() {
    const { viewer } = this;
    this.coordinates = PLANES.map((plane) => h('input', {
      type: 'number', class: 'coordinate', step: '1',
      'aria-label': `${plane.coordinate} in mm`, 'data-coordinate': plane.coordinate,
      onchange: () => this.typed(),
    }));
    this.play = this.button({ label: 'Play', image: 'play', name: 'play', press: () => viewer.togglePlay() });
    this.more = this.button({
      label: 'Display settings', image: 'tune', text: 'Display', name: 'display', press: () => this.toggleDisplay(),
    });
    this.more.setAttribute('aria-expanded', 'false');
    const peak = this.button({
      label: 'Go to the peak', image: 'peak', text: 'Peak', name: 'peak', press: () => viewer.toPeak(),
    });
    const planes = [['all', 'All three'], ...PLANES.map((plane) => [plane.name, plane.name])];
    const conventions = [['radiological', 'Radiological'], ['neurological', 'Neurological']];
    this.syncs.push(() => { peak.hidden = viewer.views.every((view) => !view.map); });
    return h('div', { class: 'bar' },
      this.segments({ setting: 'view', label: 'View', options: [['ortho', 'Planes'], ['mosaic', 'Mosaic']] }),
      this.select({ setting: 'planes', label: 'Planes shown', options: planes }),
      this.select({ setting: 'convention', label: 'Left and right', options: conventions }),
      h('div', { class: 'field coordinates', role: 'group', 'aria-label': 'Crosshair in mm' },
        ...PLANES.flatMap((plane, n) => [h('span', { text: plane.coordinate }), this.coordinates[n]]), h('span', { text: 'mm' })),
      peak, this.play,
      h('span', { class: 'spring' }),
      this.more,
      this.button({ label: 'Save picture', image: 'camera', name: 'picture', press: () => savePicture(viewer) }),
      this.button({ label: 'Full screen', image: 'expand', name: 'expand', press: () => viewer.toggleFullScreen() }));
  }

  overlayRow() {
    const { viewer } = this;
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
    const mode = this.select({ setting: 'threshold_mode', label: 'Threshold by', options: modes });
    const cluster = h('input', {
      type: 'number', min: '1', step: '1', class: 'number small', 'data-setting': 'cluster',
      'aria-label': 'Smallest cluster in voxels',
      title: 'Hide clusters of fewer voxels; voxels touch by faces',
      oninput: () => viewer.set({ cluster: Math.max(1, Math.round(Number(cluster.value) || 1)) }),
    });
    this.syncs.push((settings) => {
      const value = viewer.thresholdSetting;
      this.threshold.value = String(this.toSlider(value));
      const shown = settings.threshold_mode === 'percentile' ? Math.round(value * 100) / 100 : Number(value.toPrecision(3));
      if (!this.focused(this.thresholdNumber)) this.thresholdNumber.value = String(shown);
      if (!this.focused(cluster)) cluster.value = String(settings.cluster);
    });
    this.syncs.push(() => { this.overlayBar.hidden = viewer.views.every((view) => !view.map); });
    const borders = [['off', 'off'], ['area', 'this area'], ['all', 'all areas']];
    this.outlineField = this.select({ text: 'Outlines', setting: 'outlines', options: borders });
    this.overlayBar = h('div', { class: 'bar' },
      this.toggle({ text: 'Overlay', setting: 'overlay' }),
      h('div', { class: 'field' }, h('span', { text: 'Threshold' }), this.threshold, this.thresholdNumber, mode),
      h('label', { class: 'field' }, h('span', { text: 'Cluster ≥' }), cluster, h('span', { class: 'roomy', text: 'voxels' })),
      this.slider({ text: 'Opacity', setting: 'opacity', low: 0, high: 1, step: 0.01, show: (v) => `${Math.round(100 * v)} %` }),
      this.outlineField);
    return this.overlayBar;
  }

  display() {
    const { viewer } = this;
    const scales = (kind) => Object.entries(SCALES[kind]).map(([name, scale]) => [name, scale.label]);
    const top = h('input', {
      type: 'number', min: '0', step: 'any', class: 'number', placeholder: 'auto', 'data-setting': 'top',
      'aria-label': 'Top of the colour scale',
      title: 'Value at the end of the colour scale of every map; empty: chosen for you',
      onchange: () => viewer.set({ top: Number(top.value) > 0 ? Number(top.value) : null }),
    });
    const signed = this.select({ text: 'Colours', setting: 'signedScale', options: scales('signed') });
    const unsigned = this.select({ text: 'Colours', setting: 'unsignedScale', options: scales('unsigned') });
    const common = this.toggle({ text: 'One colour scale for all maps', setting: 'share_range' });
    const layouts = [['auto', 'automatic'], ['rows', 'rows'], ['columns', 'columns']];
    const layout = this.select({ text: 'Maps in', setting: 'layout', options: layouts });
    const patch = this.toggle({ text: 'Occlusion window', setting: 'patch' });
    this.syncs.push((settings) => {
      const kinds = viewer.views.filter((view) => view.map).map((view) => view.map.signed);
      signed.hidden = !kinds.includes(true);
      unsigned.hidden = !kinds.includes(false);
      layout.hidden = viewer.views.length < 2;
      common.hidden = layout.hidden || viewer.spec.scaleFixed;
      patch.hidden = !viewer.spec.patch;
      this.outlineField.hidden = !viewer.areas;
      top.value = settings.top === null ? '' : String(settings.top);
    });
    const share = (v) => `${Math.round(100 * v)} %`;
    this.panel = h('div', { class: 'bar panel', hidden: true },
      this.slider({ text: 'Black', setting: 'black', low: -0.5, high: 0.9, step: 0.01, show: share }),
      this.slider({ text: 'White', setting: 'white', low: 0.1, high: 1.25, step: 0.01, show: share }),
      signed, unsigned,
      h('label', { class: 'field' }, h('span', { text: 'Scale ends at' }), top),
      common, layout,
      this.toggle({ text: 'Fade weak relevance', setting: 'fade' }),
      this.toggle({ text: 'Smooth', setting: 'smooth' }),
      this.toggle({ text: 'Crosshair', setting: 'crosshair' }), patch,
      this.button({ label: 'Reset settings', text: 'Reset', name: 'reset', press: () => viewer.reset() }),
      h('span', { class: 'hint', text: HINTS.keys }));
    return this.panel;
  }

  toggleDisplay() {
    this.panel.hidden = !this.panel.hidden;
    this.more.setAttribute('aria-expanded', String(!this.panel.hidden));
  }

  focused(element) {
    return element.getRootNode().activeElement === element;
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

  typed() {
    const mm = this.coordinates.map((field) => Number(field.value));
    if (mm.some((value) => !Number.isFinite(value))) return;
    this.viewer.player.stop();
    this.viewer.moveTo(this.viewer.space.fromMm(mm));
    this.viewer.report();
  }

  showCursor(mm) {
    this.coordinates.forEach((field, axis) => {
      const text = String(Math.round(mm[axis] * 10) / 10);
      if (!this.focused(field) && field.value !== text) field.value = text;
    });
  }

  showPlaying(playing) {
    this.play.replaceChildren(icon(playing ? 'pause' : 'play'));
    this.play.setAttribute('aria-label', playing ? 'Pause' : 'Play');
    this.play.setAttribute('aria-pressed', String(playing));
  }
}
