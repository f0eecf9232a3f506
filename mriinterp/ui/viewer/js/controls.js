// The kinds of controls. Each knows how to show a setting and how to change it; nothing here draws.

import { h, icon } from './dom.js';

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
  contours: 'Outlines that the page draws on every map',
  keys: 'Keys and mouse (?)',
};

// Whether an element has the keyboard's focus, also inside of a shadow root.
export function isFocused(element) {
  return element.getRootNode().activeElement === element;
}

// A button that shows and hides a panel.
export function disclose(button, panel) {
  panel.hidden = !panel.hidden;
  button.setAttribute('aria-expanded', String(!panel.hidden));
}

export class Controls {
  constructor(viewer) {
    this.viewer = viewer;
    this.syncs = [];
  }

  // Show the settings as they are now.
  sync() {
    for (const sync of this.syncs) sync(this.viewer.settings);
  }

  button({ label, text, image, press, name, expands = false }) {
    const parts = [image ? icon(image) : null, text ? h('span', { class: image ? 'roomy' : null, text }) : null];
    return h('button', {
      type: 'button', class: 'tool', 'aria-label': label, title: HINTS[name] ?? label, 'data-tool': name, onclick: press,
      'aria-expanded': expands ? 'false' : null,
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
}
