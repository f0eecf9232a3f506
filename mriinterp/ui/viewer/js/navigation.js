// The first row of controls: what is shown, where the crosshair is, and the viewer's tools.

import { isFocused } from './controls.js';
import { h, icon } from './dom.js';
import { PLANES } from './geometry.js';
import { savePicture } from './picture.js';

const ZOOM_STEP = 1.5;

export class Navigation {
  // toggles: functions that show and hide the panels of display settings and of keys.
  constructor(viewer, controls, toggles) {
    this.viewer = viewer;
    const planes = [['all', 'All three'], ...PLANES.map((plane) => [plane.name, plane.name])];
    const conventions = [['radiological', 'Radiological'], ['neurological', 'Neurological']];
    this.display = controls.button({
      label: 'Display settings', image: 'tune', text: 'Display', name: 'display', press: toggles.display, expands: true,
    });
    this.keys = controls.button({ label: 'Keys and mouse', text: '?', name: 'keys', press: toggles.keys, expands: true });
    this.play = controls.button({ label: 'Play', image: 'play', name: 'play', press: () => viewer.player.toggle() });
    const peak = controls.button({
      label: 'Go to the peak', image: 'peak', text: 'Peak', name: 'peak', press: () => viewer.toPeak(),
    });
    const zoom = this.zoomButtons();
    controls.syncs.push((settings) => {
      peak.hidden = viewer.views.every((view) => !view.map);
      zoom.hidden = settings.view === 'mosaic';
    });
    this.element = h('div', { class: 'bar', role: 'group', 'aria-label': 'View and crosshair' },
      controls.segments({ setting: 'view', label: 'View', options: [['ortho', 'Planes'], ['mosaic', 'Mosaic']] }),
      controls.select({ setting: 'planes', label: 'Planes shown', options: planes }),
      controls.select({ setting: 'convention', label: 'Left and right', options: conventions }),
      this.coordinateFields(), peak, this.play, zoom,
      h('span', { class: 'spring' }),
      this.display,
      controls.button({ label: 'Save picture', image: 'camera', name: 'picture', press: () => savePicture(viewer) }),
      controls.button({ label: 'Full screen', image: 'expand', name: 'expand', press: () => viewer.toggleFullScreen() }),
      this.keys);
  }

  coordinateFields() {
    this.coordinates = PLANES.map((plane) => h('input', {
      type: 'number', class: 'coordinate', step: '1',
      'aria-label': `${plane.coordinate} in mm`, 'data-coordinate': plane.coordinate,
      onchange: () => this.typed(),
    }));
    return h('div', { class: 'field coordinates', role: 'group', 'aria-label': 'Crosshair in mm' },
      ...PLANES.flatMap((plane, n) => [h('span', { text: plane.coordinate }), this.coordinates[n]]), h('span', { text: 'mm' }));
  }

  zoomButtons() {
    const button = (text, label, ratio) => h('button', {
      type: 'button', class: 'segment', text, 'aria-label': label, title: label, 'data-tool': ratio > 1 ? 'zoom-in' : 'zoom-out',
      onclick: () => this.viewer.viewport.zoomBy(ratio),
    });
    return h('div', { class: 'segments', role: 'group', 'aria-label': 'Zoom' },
      button('−', 'Zoom out (−)', 1 / ZOOM_STEP), button('+', 'Zoom in at the crosshair (+)', ZOOM_STEP));
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
      if (!isFocused(field) && field.value !== text) field.value = text;
    });
  }

  showPlaying(playing) {
    this.play.replaceChildren(icon(playing ? 'pause' : 'play'));
    this.play.setAttribute('aria-label', playing ? 'Pause' : 'Play');
    this.play.setAttribute('aria-pressed', String(playing));
  }
}
