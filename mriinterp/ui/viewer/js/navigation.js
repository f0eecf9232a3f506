// The row of controls: what is shown, where the crosshair is, how much of the relevance, and the viewer's tools.

import { isFocused } from './controls.js';
import { h } from './dom.js';
import { PLANES } from './geometry.js';
import { savePicture } from './picture.js';

const ZOOM_STEP = 1.5;

function toggleFullScreen(element) {
  if (document.fullscreenElement) document.exitFullscreen();
  else element.requestFullscreen?.().catch(() => {});
}

export class Navigation {
  // overlay: the controls of relevance; toggles: functions that show and hide the panels of settings and of keys.
  constructor(viewer, controls, overlay, toggles) {
    this.viewer = viewer;
    this.display = controls.button({
      label: 'Display settings', image: 'tune', text: 'Settings', name: 'display', press: toggles.display, expands: true,
    });
    this.keys = controls.button({ label: 'Keys and mouse', text: '?', name: 'keys', press: toggles.keys, expands: true });
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
      this.coordinateFields(), peak, zoom, overlay,
      h('span', { class: 'spring' }),
      this.display,
      controls.button({ label: 'Save picture', image: 'camera', name: 'picture', press: () => savePicture(viewer) }),
      controls.button({ label: 'Full screen', image: 'expand', name: 'expand', press: () => toggleFullScreen(viewer.root) }),
      this.keys);
  }

  coordinateFields() {
    this.coordinates = PLANES.map((plane) => h('input', {
      type: 'number', class: 'coordinate', step: '1',
      'aria-label': `${plane.coordinate} in mm`, 'data-coordinate': plane.coordinate,
      onchange: () => this.typed(),
    }));
    return h('div', { class: 'field coordinates', role: 'group', 'aria-label': 'Crosshair in mm' },
      ...PLANES.flatMap((plane, n) => [h('span', { text: plane.coordinate }), this.coordinates[n]]));
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
}
