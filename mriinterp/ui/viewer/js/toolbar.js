// All controls: one row, and over the planes the panels of display settings and of keys.

import { Controls, disclose } from './controls.js';
import { DisplayPanel } from './display_panel.js';
import { h } from './dom.js';
import { keysPanel } from './keys_panel.js';
import { Navigation } from './navigation.js';
import { OverlayControls } from './overlay_controls.js';

export class Toolbar {
  constructor(viewer) {
    this.controls = new Controls(viewer);
    const overlay = new OverlayControls(viewer, this.controls);
    this.display = new DisplayPanel(viewer, this.controls, overlay.more);
    this.keys = keysPanel();
    this.navigation = new Navigation(viewer, this.controls, overlay.element, {
      display: () => this.show(this.display.element), keys: () => this.toggleKeys(),
    });
    this.element = h('div', {
      class: 'toolbar', role: 'group', 'aria-label': 'Viewer controls',
      onkeydown: (event) => { if (event.key === 'Escape') this.leave(viewer); },
    }, this.navigation.element, this.display.element, this.keys);
  }

  sync() {
    this.controls.sync();
  }

  showCursor(mm) {
    this.navigation.showCursor(mm);
  }

  showPlaying(playing) {
    this.display.showPlaying(playing);
  }

  // Show or hide a panel; one at a time, as both lie over the planes.
  show(panel) {
    const { display, keys } = this.navigation;
    for (const [button, other] of [[display, this.display.element], [keys, this.keys]]) {
      if (other === panel || !other.hidden) disclose(button, other);
    }
  }

  toggleKeys() {
    this.show(this.keys);
  }

  // Close what is open, and go back to the planes.
  leave(viewer) {
    for (const panel of [this.display.element, this.keys]) if (!panel.hidden) this.show(panel);
    viewer.focus.toPlane();
  }

  focus() {
    this.element.querySelector('button').focus();
  }
}
