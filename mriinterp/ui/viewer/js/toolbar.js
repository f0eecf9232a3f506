// All controls: two rows, and the panels of display settings and of keys.

import { Controls, disclose } from './controls.js';
import { displayPanel } from './display_panel.js';
import { h } from './dom.js';
import { keysPanel } from './keys_panel.js';
import { Navigation } from './navigation.js';
import { OverlayBar } from './overlay_bar.js';

export class Toolbar {
  constructor(viewer) {
    this.controls = new Controls(viewer);
    this.display = displayPanel(viewer, this.controls);
    this.keys = keysPanel();
    this.navigation = new Navigation(viewer, this.controls, {
      display: () => disclose(this.navigation.display, this.display), keys: () => this.toggleKeys(),
    });
    this.overlay = new OverlayBar(viewer, this.controls);
    this.element = h('div', {
      class: 'toolbar', role: 'group', 'aria-label': 'Viewer controls',
      onkeydown: (event) => { if (event.key === 'Escape') viewer.focus.toPlane(); },
    }, this.navigation.element, this.overlay.element, this.display, this.keys);
  }

  sync() {
    this.controls.sync();
  }

  showCursor(mm) {
    this.navigation.showCursor(mm);
  }

  showPlaying(playing) {
    this.navigation.showPlaying(playing);
  }

  toggleKeys() {
    disclose(this.navigation.keys, this.keys);
  }

  focus() {
    this.element.querySelector('button').focus();
  }
}
