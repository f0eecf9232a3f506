// One map with its scan: headline, colour bar, planes, profiles; and how it is coloured now.

import { ColorBar } from './colorbar.js';
import { colorRamp, farEnd, overlayTable } from './colors.js';
import { h } from './dom.js';
import { PLANES } from './geometry.js';
import { Mosaic } from './mosaic.js';
import { Pane } from './pane.js';
import { Profile } from './profile.js';
import { mapId } from './volumes.js';

export class MapView {
  constructor(viewer, layer, scan, map) {
    Object.assign(this, { viewer, scan, map });
    this.name = layer?.name ?? '';
    this.unit = layer?.unit ?? '';
    this.given = layer?.range ?? null;
    this.part = layer?.signed ? layer.part : 'both'; // of a signed map: 'both' signs, or only the 'positive' or 'negative'
    this.ends = layer?.ends ?? null; // what values below and above 0 mean
    this.id = layer ? mapId(layer) : '';
    this.measured = null;
    this.table = new Uint32Array(65536);
    this.bar = map ? new ColorBar(this) : null;
    this.panes = PLANES.map((plane) => new Pane(viewer, this, plane));
    this.profiles = map ? PLANES.map((plane) => new Profile(viewer, this, plane)) : [];
    this.mosaic = new Mosaic(viewer, this);
    this.reading = h('span', { class: 'reading', title: 'Value at the crosshair', 'data-text': true });
    this.meaning = h('span', { class: 'unit', 'data-text': true });
    this.planes = h('div', { class: 'planes' });
    this.head = h('div', { class: 'head' }, h('span', { class: 'name', text: this.name || viewer.spec.scanLabel, title: this.name, 'data-text': true }), this.reading,
      h('span', { class: 'spring' }), this.meaning, this.bar?.element);
    this.element = h('section', { class: 'view', 'aria-label': this.name || 'Scan' }, this.head, this.planes);
  }

  get mask() {
    return this.measured?.mask ?? null;
  }

  // Threshold as a magnitude of this map.
  resolveThreshold() {
    const { settings, thresholdSetting } = this.viewer;
    const { map } = this;
    // A mask has one value: no percentile of it hides anything.
    const share = map.flat ? 0 : thresholdSetting;
    this.threshold = settings.threshold_mode === 'percentile' ? map.quantile(share) : thresholdSetting;
  }

  ownRange() {
    if (!this.given) return this.map.ownRange();
    const [low, high] = this.given;
    if (!this.map.signed) return high > low ? [low, high] : [low, low + 1];
    const top = farEnd(this.given) || 1;
    return [-top, top];
  }

  // The side of a range about 0 that is shown.
  shownSide([low, high]) {
    return [this.part === 'positive' ? 0 : low, this.part === 'negative' ? 0 : high];
  }

  color(range) {
    const { settings } = this.viewer;
    this.range = this.shownSide(range);
    this.cuts = this.map.cuts(this.threshold);
    this.ramp = this.map.signed
      ? colorRamp('signed', settings.signedScale, this.part) : colorRamp('unsigned', settings.unsignedScale);
    const { ramp, cuts } = this;
    overlayTable(this.map, { ramp, range: this.range, cuts, opacity: settings.opacity, fade: settings.fade }, this.table);
  }

  // Unit, and whose colours can be compared with these: read from the ranges in use, so that it cannot contradict them.
  describe() {
    const others = this.viewer.views.filter((view) => view.map && view !== this);
    const alike = others.filter((view) => farEnd(view.range) === farEnd(this.range));
    const kind = alike.length === 0 ? 'own scale' : alike.length === others.length ? 'common scale'
      : `scale shared with ${alike.map((view) => view.name).join(', ')}`;
    this.meaning.textContent = [others.length ? kind : '', this.unit].filter(Boolean).join(' · ');
    this.meaning.title = this.meaning.textContent; // where a narrow column cuts it
  }

  draw() {
    if (this.viewer.settings.view === 'mosaic') {
      this.mosaic.draw();
      return;
    }
    for (const plane of this.viewer.shownPlanes) {
      this.panes[plane.axis].draw();
      this.profiles[plane.axis]?.draw();
    }
  }
}

// Colours of all maps: each on its own scale, or all on one that reaches the largest end, or the end the reader set.
export function colorViews(views, settings) {
  views.forEach((view) => view.resolveThreshold());
  const own = views.map((view) => view.ownRange());
  const top = settings.top ?? Math.max(...own.map(farEnd));
  const low = Math.min(0, ...own.filter((_, n) => !views[n].map.signed).map((range) => range[0]));
  const common = settings.share_range || settings.top !== null;
  views.forEach((view, n) => {
    view.color(!common ? own[n] : view.map.signed ? [-top, top] : [low, top]);
  });
  views.forEach((view) => view.describe());
}
