// One map with its scan: headline, colour bar, planes, profiles; and how it is coloured now.

import { ColorBar } from './colorbar.js';
import { colorRamp, overlayTable } from './colors.js';
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
    this.head = h('div', { class: 'head' }, h('span', { class: 'name', text: this.name, 'data-text': true }), this.reading,
      h('span', { class: 'spring' }), this.meaning, this.bar?.canvas);
    this.element = h('section', { class: 'view', 'aria-label': this.name || 'Scan' }, map ? this.head : null, this.planes);
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
    const top = Math.max(Math.abs(low), Math.abs(high)) || 1;
    return [-top, top];
  }

  color(range) {
    const { settings } = this.viewer;
    this.range = range;
    this.cuts = this.map.cuts(this.threshold);
    this.ramp = this.map.signed ? colorRamp('signed', settings.signedScale) : colorRamp('unsigned', settings.unsignedScale);
    overlayTable(this.map, { ramp: this.ramp, range, cuts: this.cuts, opacity: settings.opacity, fade: settings.fade }, this.table);
  }

  describe() {
    const { settings, views } = this.viewer;
    const kind = views.length < 2 ? '' : settings.share_range || settings.top !== null ? 'common scale' : 'own scale';
    this.meaning.textContent = [this.unit, kind].filter(Boolean).join(' · ');
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
  const top = settings.top ?? Math.max(...own.map((range) => range[1]));
  const low = Math.min(0, ...own.filter((_, n) => !views[n].map.signed).map((range) => range[0]));
  const common = settings.share_range || settings.top !== null;
  views.forEach((view, n) => {
    view.color(!common ? own[n] : view.map.signed ? [-top, top] : [low, top]);
    view.describe();
  });
}
