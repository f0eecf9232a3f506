// The viewer: state, what a change of state asks for, and the frame.

const DEFAULTS = {
  planes: 'all', overlay: true, smooth: true, fade: false, crosshair: true, patch: true,
  black: 0, white: 1, signedScale: 'blue-black-red', unsignedScale: 'inferno', top: null,
};
const PYTHON_SETTINGS = ['view', 'layout', 'convention', 'threshold', 'threshold_mode', 'cluster', 'opacity', 'outlines', 'share_range'];
const ASKS = {
  layout: ['view', 'layout', 'planes', 'convention', 'share_range', 'top'],
  measure: ['threshold', 'threshold_mode', 'cluster'],
  color: ['threshold', 'threshold_mode', 'opacity', 'fade', 'signedScale', 'unsignedScale', 'share_range', 'top'],
  window: ['black', 'white'],
};
const REPORT_DELAY = 180; // after a click
const PAUSE = 400; // after the last of several changes: nothing is reported while the reader steps
const PLAY_INTERVAL = 90;

// Settings and crosshair by key of the component: they survive when the page mounts the viewer anew.
const remembered = new Map();
let clicks = Date.now(); // numbers clicks, also across reloads of the page

class Viewer {
  constructor(parent) {
    this.views = [];
    this.cache = new Map();
    this.pending = new Set();
    this.frames = { count: 0, last: 0, longest: 0 };
    this.active = 2;
    this.measurer = new Measurer((id, measured) => this.takeMeasure(id, measured));
    this.stage = h('div', { class: 'stage' }, h('p', { class: 'wait', text: 'Loading the images …' }));
    this.status = h('div', { class: 'status', role: 'status', 'data-text': true });
    this.convention = h('span', { class: 'convention', 'data-text': true });
    this.shown = h('span', { class: 'shown', 'data-text': true });
    this.footer = h('div', { class: 'footer' }, this.status, h('div', { class: 'notes' }, this.convention, this.shown));
    this.root = h('div', { class: 'mriinterp-viewer', 'data-ready': 'false' }, this.stage, this.footer);
    this.root.mriinterpViewer = this;
    parent.append(this.root);
    this.observer = new ResizeObserver(() => this.spec && this.root.clientWidth !== this.laidOut && this.ask('layout'));
    this.observer.observe(this.root);
  }

  async accept(component) {
    const { data: spec, setStateValue } = component;
    this.setStateValue = setStateValue;
    const text = JSON.stringify(spec);
    if (text === this.specText) { this.readColors(); this.ask('color'); return; } // a new theme
    this.specText = text;
    const first = !this.spec;
    try {
      const parts = await this.load(spec);
      if (text !== this.specText || this.closed) return; // overtaken by a newer message
      this.take(spec, parts, first);
    } catch (error) {
      this.stage.replaceChildren(h('p', { class: 'wait', role: 'alert', text: `The images could not be read: ${error.message}` }));
    }
  }

  async load(spec) {
    const obtain = async (id, meta, make) => {
      if (!this.cache.has(id)) this.cache.set(id, make(meta, await volumeBytes(meta.volume)));
      return this.cache.get(id);
    };
    const scans = await Promise.all(spec.scans.map((meta) => obtain(`scan ${meta.volume}`, meta, (m, b) => new Scan(m, b))));
    const mapId = (meta) => `${meta.volume}${meta.signed}`;
    const maps = await Promise.all(spec.layers.map((meta) => obtain(mapId(meta), meta, (m, b) => new RelevanceMap(m, b, spec.shape))));
    const areas = spec.atlas && await obtain(`areas ${spec.atlas.volume}`, spec.atlas, (m, b) => new Areas(m, b));
    const used = new Set([...spec.scans.map((m) => `scan ${m.volume}`), ...spec.layers.map(mapId), `areas ${spec.atlas?.volume}`]);
    return { scans, maps, areas, used };
  }

  take(spec, { scans, maps, areas, used }, first) {
    const before = this.spec;
    this.spec = spec;
    for (const id of this.cache.keys()) if (!used.has(id)) this.cache.delete(id);
    this.measurer.keepOnly(used);
    const structure = (s) => JSON.stringify([s.shape, s.affine, s.scans, s.layers, s.atlas]);
    if (first || structure(before) !== structure(spec)) this.build(spec, scans, maps, areas);
    this.takeSettings(spec.settings);
    this.takeCursor(spec, first);
    this.ask('layout', 'measure', 'color', 'window');
  }

  build(spec, scans, maps, areas) {
    this.space = new Space(spec);
    this.areas = areas;
    this.outlines = areas ? new Outlines(this.space, areas) : null;
    const layers = spec.layers.length ? spec.layers : [null];
    this.views = layers.map((layer, n) => new MapView(this, layer, scans[layer?.scan ?? 0], layer ? maps[n] : null));
    for (const view of this.views) if (view.map) this.measurer.load(view.id, view.map.codes, spec.shape, view.map.zero);
    if (this.cursor) this.cursor = this.space.inside(this.cursor);
    if (!this.toolbar) {
      this.toolbar = new Toolbar(this);
      this.root.prepend(this.toolbar.element);
    }
    this.stage.replaceChildren(...this.views.map((view) => view.element));
    describeShown(this);
    this.readColors();
  }

  // Python's settings count when Python changes them; what the reader chose stays otherwise.
  takeSettings(given) {
    const memory = remembered.get(this.spec.key);
    this.settings ??= { ...DEFAULTS, ...given, ...memory?.settings };
    const known = this.given ?? memory?.given ?? given;
    for (const name of PYTHON_SETTINGS) {
      if (JSON.stringify(known[name]) !== JSON.stringify(given[name])) this.settings[name] = given[name];
    }
    this.given = given;
  }

  takeCursor(spec, first) {
    const memory = first ? remembered.get(spec.key) : this;
    if (memory?.move === spec.move && memory.cursor) this.cursor = this.space.inside(memory.cursor);
    else if (spec.cursor) this.cursor = this.space.fromMm(spec.cursor);
    this.cursor ??= this.peak() ?? this.space.center;
    this.move = spec.move;
  }

  peak() {
    const map = (this.views.includes(this.activeView) ? this.activeView : this.views[0])?.map;
    return map && map.peak >= 0 ? this.space.voxelAt(map.peak) : null;
  }

  get shownPlanes() {
    return this.settings.planes === 'all' ? PLANES : PLANES.filter((plane) => plane.name === this.settings.planes);
  }

  get thresholdSetting() {
    return this.settings.threshold ?? (this.settings.threshold_mode === 'percentile' ? 90 : 0);
  }

  set(changes) {
    if ('threshold_mode' in changes && changes.threshold_mode !== this.settings.threshold_mode) {
      const view = this.views.find((one) => one.map);
      if (view) changes.threshold = changes.threshold_mode === 'value' ? view.threshold : view.map.percentOf(view.threshold);
    }
    if ('black' in changes) changes.white = Math.max(this.settings.white, changes.black + 0.02);
    else if ('white' in changes) changes.black = Math.min(this.settings.black, changes.white - 0.02);
    Object.assign(this.settings, changes);
    this.ask(...Object.keys(ASKS).filter((work) => ASKS[work].some((name) => name in changes)));
    if (PYTHON_SETTINGS.some((name) => name in changes)) this.report(PAUSE);
  }

  reset() {
    this.settings = { ...DEFAULTS, ...this.spec.settings };
    this.ask('layout', 'measure', 'color', 'window');
    this.report(PAUSE);
  }

  moveTo(voxel) {
    if (this.cursor.every((v, axis) => v === voxel[axis])) return;
    this.cursor = voxel;
    this.ask();
    this.report(PAUSE);
  }

  step(axis, steps) {
    const voxel = [...this.cursor];
    voxel[axis] += steps;
    this.moveTo(this.space.inside(voxel));
  }

  activate(axis, view) {
    this.active = axis;
    this.activeView = view;
  }

  toPeak() {
    const peak = this.peak();
    if (!peak) return;
    this.stop();
    this.moveTo(peak);
    this.report();
  }

  togglePlay() {
    if (this.playing) { this.stop(); return; }
    this.playing = setInterval(() => {
      const [first, last] = this.views[0].scan.bounds(this.space)[this.active];
      const voxel = [...this.cursor];
      voxel[this.active] = voxel[this.active] >= last || voxel[this.active] < first ? first : voxel[this.active] + 1;
      this.moveTo(voxel);
    }, PLAY_INTERVAL);
    this.toolbar.showPlaying(true);
  }

  stop() {
    if (!this.playing) return;
    clearInterval(this.playing);
    this.playing = null;
    this.toolbar.showPlaying(false);
    this.report(PAUSE);
  }

  toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen?.().catch(() => {});
  }

  // Tell Python where the crosshair is and how things are shown, once, when nothing has changed for a while.
  report(delay = REPORT_DELAY) {
    if (!this.spec.report || this.closed) return;
    clearTimeout(this.reporting);
    this.reporting = setTimeout(() => {
      if (this.playing) return; // told when it stops
      const mm = this.space.mm(this.cursor).map((v) => Math.round(1e6 * v) / 1e6);
      const settings = Object.fromEntries(PYTHON_SETTINGS.map((name) => [name, this.settings[name]]));
      settings.threshold = this.thresholdSetting;
      this.setStateValue('cursor', { mm, move: this.move, click: (clicks += 1), settings });
    }, delay);
  }

  readColors() {
    const style = getComputedStyle(this.root);
    this.font = style.fontFamily;
    const color = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
    this.colors = {
      text: color('--st-text-color', '#222'), border: color('--st-border-color', '#999'),
      background: color('--st-background-color', '#fff'), faint: style.getPropertyValue('--faint').trim() || '#888',
      positive: '#e2622b', negative: '#3f8fe8',
    };
  }

  // Work is gathered and done in the next frame.
  ask(...work) {
    work.forEach((one) => this.pending.add(one));
    this.request ??= requestAnimationFrame(() => { this.request = null; this.frame(); });
  }

  frame() {
    if (!this.spec || this.closed) return;
    const start = performance.now();
    const work = new Set(this.pending);
    this.pending.clear();
    const maps = this.views.filter((view) => view.map);
    if (work.has('measure') || work.has('color')) this.recolor(maps);
    describePlace(this);
    if (work.has('layout')) {
      if (!layoutViews(this)) { this.pending = work; return; }
      this.laidOut = this.root.clientWidth;
      this.convention.textContent = CONVENTIONS[this.settings.convention];
    }
    if (work.has('window')) for (const view of this.views) view.scan.setWindow(this.settings.black, this.settings.white);
    if (work.has('measure')) for (const view of maps) this.measurer.ask(view.id, view.cuts.low, view.cuts.high, this.settings.cluster);
    if (work.has('color') || work.has('layout') || work.has('measure')) for (const view of maps) view.bar.draw(this);
    if (work.size) this.toolbar.sync();
    this.draw();
    remembered.set(this.spec.key, { settings: this.settings, given: this.given, cursor: this.cursor, move: this.move });
    this.frames.last = performance.now() - start;
    this.frames.longest = Math.max(this.frames.longest, this.frames.last);
    this.frames.count += 1;
    this.root.dataset.ready = 'true';
  }

  recolor(maps) {
    maps.forEach((view) => view.resolveThreshold());
    const own = maps.map((view) => view.ownRange());
    const top = this.settings.top ?? Math.max(...own.map((range) => range[1]));
    const low = Math.min(0, ...own.filter((_, n) => !maps[n].map.signed).map((range) => range[0]));
    const common = this.settings.share_range || this.settings.top !== null;
    maps.forEach((view, n) => {
      view.color(!common ? own[n] : view.map.signed ? [-top, top] : [low, top]);
      view.describe();
    });
  }

  takeMeasure(id, measured) {
    for (const view of this.views) if (view.id === id) view.measured = measured;
    describeShown(this);
    this.ask();
  }

  draw() {
    for (const view of this.views) view.draw();
  }

  patchWindow() {
    return patchWindow(this);
  }

  close() {
    this.closed = true;
    this.stop();
    clearTimeout(this.reporting);
    this.observer.disconnect();
    this.measurer.close();
    this.root.remove();
  }
}
