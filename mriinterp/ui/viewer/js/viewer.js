// The viewer: state, what a change of state asks for, and the frame.

import { boxAround } from './boxes.js';
import { h } from './dom.js';
import { Focus } from './focus.js';
import { Footer } from './footer.js';
import { Space } from './geometry.js';
import { holdRoom, layoutViews, planesOf, reserveRoom } from './layout.js';
import { Measurer } from './measurer.js';
import { handOver, nextPlace, own, recall, remember } from './memory.js';
import { Outlines } from './outline.js';
import { Player } from './player.js';
import { Reporter } from './reporter.js';
import {
  ALL_WORK, changesFromPython, reportedSettings, startSettings, thresholdOf, withWindow, workFor,
} from './settings.js';
import { showMove } from './show_move.js';
import { readTheme } from './theme.js';
import { Toolbar } from './toolbar.js';
import { colorViews, MapView } from './view.js';
import { Viewport } from './viewport.js';
import { Volumes } from './volumes.js';

const REPORT_DELAY = 180; // ms after a click
const PAUSE = 400; // ms after the last of several changes: nothing is reported while the reader steps

export class Viewer {
  constructor(parent) {
    this.views = [];
    this.volumes = new Volumes();
    this.pending = new Set();
    this.frames = { count: 0, last: 0, longest: 0 };
    this.active = 2;
    this.measurer = new Measurer((id, measured) => this.takeMeasure(id, measured));
    this.focus = new Focus(this);
    this.viewport = new Viewport(this);
    this.player = new Player(this, (playing) => this.showPlaying(playing));
    this.reporter = new Reporter(() => (this.player.playing ? null : this.reported));
    this.stage = h('div', { class: 'stage' }, h('p', { class: 'wait', text: 'Loading the images …' }));
    this.footer = new Footer();
    this.root = h('div', { class: 'mriinterp-viewer', 'data-ready': 'false' }, this.stage, this.footer.element);
    this.root.mriinterpViewer = this;
    parent.append(this.root);
    this.observer = new ResizeObserver(() => this.spec && this.root.clientWidth !== this.laidOut && this.ask('layout'));
    this.observer.observe(this.root);
  }

  async accept(component) {
    const { data: spec, setStateValue } = component;
    this.reporter.send = (report) => setStateValue('cursor', report);
    const text = JSON.stringify(spec);
    if (text === this.specText) { Object.assign(this, readTheme(this.root)); this.ask('color'); return; } // a new theme
    this.specText = text;
    const first = !this.spec;
    if (first) reserveRoom(this, spec);
    try {
      const parts = await this.volumes.load(spec);
      if (text !== this.specText || this.closed) return; // overtaken by a newer message
      this.take(spec, parts, first);
    } catch (error) {
      this.stage.replaceChildren(h('p', { class: 'wait', role: 'alert', text: `The images could not be read: ${error.message}` }));
    }
  }

  take(spec, parts, first) {
    const [before, due] = [this.spec, first && recall(spec.key)?.due];
    this.spec = spec;
    own(this);
    this.volumes.keepOnly(parts.used);
    this.measurer.keepOnly(parts.used);
    const structure = (s) => JSON.stringify([s.shape, s.affine, s.scans, s.layers, s.atlas]);
    if (first || structure(before) !== structure(spec)) this.build(spec, parts);
    this.footer.note(spec);
    this.contours = parts.contours.map((one) => ({ ...one, outlines: new Outlines(this.space, one.codes) }));
    this.takeSettings(spec);
    this.takeCursor(spec, first);
    this.ask(...ALL_WORK);
    remember(this);
    if (due) this.report(); // chosen just before the page put this viewer in the place of another
  }

  build(spec, { scans, maps, areas }) {
    this.space = new Space(spec);
    this.areas = areas;
    this.outlines = areas ? new Outlines(this.space, areas.codes) : null;
    const layers = spec.layers.length ? spec.layers : [null];
    this.views = layers.map((layer, n) => new MapView(this, layer, scans[layer?.scan ?? 0], layer ? maps[n] : null));
    for (const view of this.views) if (view.map) this.measurer.load(view.id, view.map.codes, spec.shape, view.map.zero);
    if (this.cursor) this.cursor = this.space.inside(this.cursor);
    if (!this.toolbar) {
      this.toolbar = new Toolbar(this);
      this.root.append(this.toolbar.element); // shown above the planes, but Tab comes to the planes first
    }
    this.focus.whileReplacing(() => holdRoom(this).stage.replaceChildren(...this.views.map((view) => view.element)));
    this.footer.describeShown(this);
  }

  // What the reader chose stays, unless Python begins anew.
  takeSettings({ settings: given, begin }) {
    const before = this.given ? this : recall(this.spec.key);
    this.settings = before?.begin === begin ? startSettings(given, before?.settings) : startSettings(given);
    Object.assign(this.settings, changesFromPython(before?.given ?? given, given));
    Object.assign(this, { given, begin });
  }

  takeCursor(spec, first) {
    const { asked, kept, waiting } = nextPlace(first ? recall(spec.key) : this, spec, this.peak());
    const now = asked ? this.space.fromMm(asked) : kept && this.space.inside(kept);
    this.cursor = now ?? (this.waiting ? null : this.cursor) ?? this.peak() ?? this.space.center;
    Object.assign(this, { waiting, moved: !first && this.move !== spec.move, move: spec.move });
    this.viewport.follow(this.cursor, []);
  }

  peak() {
    const map = (this.views.includes(this.activeView) ? this.activeView : this.views[0])?.map;
    return map && map.peak >= 0 ? this.space.voxelAt(map.peak) : null;
  }

  get shownPlanes() {
    return planesOf(this.settings);
  }

  get thresholdSetting() {
    return thresholdOf(this.settings);
  }

  set(changes) {
    if ('threshold_mode' in changes && changes.threshold_mode !== this.settings.threshold_mode) {
      const view = this.views.find((one) => one.map);
      if (view) changes.threshold = changes.threshold_mode === 'value' ? view.threshold : view.map.percentOf(view.threshold);
    }
    Object.assign(this.settings, withWindow(changes, this.settings));
    this.ask('controls', ...workFor(changes));
    this.report(PAUSE);
  }

  reset() {
    this.settings = startSettings(this.spec.usual ?? this.spec.settings);
    this.ask(...ALL_WORK);
    this.report(PAUSE);
  }

  // What is zoomed follows the crosshair, except along axes that are held.
  moveTo(voxel, held = []) {
    this.waiting = false;
    if (this.cursor.every((v, axis) => v === voxel[axis])) return;
    this.cursor = voxel;
    this.viewport.follow(voxel, held);
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
    this.player.stop();
    this.moveTo(peak);
    this.report();
  }

  showPlaying(playing) {
    this.toolbar.showPlaying(playing);
    if (!playing) this.report(PAUSE);
  }

  // Where the crosshair is and how things are shown.
  get reported() {
    const mm = this.space.mm(this.cursor).map((v) => Math.round(1e6 * v) / 1e6);
    return { mm, move: this.move, begin: this.begin, settings: { ...reportedSettings(this.settings), threshold: this.thresholdSetting } };
  }

  report(delay = REPORT_DELAY) {
    if (!this.spec.report || this.closed || handOver(this, delay)) return;
    this.reporter.ask(delay);
    remember(this); // at once: the page may put another viewer in its place before the next frame
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
    if (work.has('measure') || work.has('color')) colorViews(maps, this.settings);
    this.footer.describePlace(this);
    this.toolbar.showCursor(this.space.mm(this.cursor));
    if (work.has('layout')) {
      Object.assign(this, readTheme(this.root)); // a page that is presented has larger type
      if (!this.focus.whilePlacing(() => layoutViews(this))) { this.pending = work; return; }
      this.laidOut = this.root.clientWidth;
    }
    if (work.has('window')) for (const view of this.views) view.scan.setWindow(this.settings.black, this.settings.white);
    if (work.has('measure')) for (const view of maps) this.measurer.ask(view.id, view.cuts.low, view.cuts.high, this.settings.cluster);
    if (work.has('color') || work.has('layout') || work.has('measure')) for (const view of maps) view.bar.draw(this);
    if (work.size) {
      this.toolbar.sync();
      this.footer.describeSettings(this);
    }
    this.draw();
    if (this.moved) { showMove(this); this.moved = false; }
    remember(this);
    this.frames.last = performance.now() - start;
    this.frames.longest = Math.max(this.frames.longest, this.frames.last);
    this.frames.count += 1;
    this.root.dataset.ready = 'true';
  }

  takeMeasure(id, measured) {
    for (const view of this.views) if (view.id === id) view.measured = measured;
    this.footer.describeShown(this);
    this.ask();
  }

  draw() {
    for (const view of this.views) view.draw();
  }

  // The occlusion box around the crosshair in the viewer's voxels.
  patchWindow() {
    return boxAround(this.spec.patch, this.cursor);
  }

  close() {
    if (this.spec) remember(this);
    this.closed = true;
    this.player.stop();
    this.reporter.close();
    this.observer.disconnect();
    this.measurer.close();
    this.root.remove();
  }
}
