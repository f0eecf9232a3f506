// The part of the planes in sight, kept in the setting `zoom`: null, or [factor, x, y, z] with the centre in mm.

import { limited, panBy, WHOLE, withInSight, zoomBy } from './zoom.js';

export class Viewport {
  constructor(viewer) {
    this.viewer = viewer;
  }

  get zoom() {
    const { settings, space } = this.viewer;
    if (!settings.zoom) return WHOLE;
    const [factor, ...mm] = settings.zoom;
    return limited({ factor, centre: space.shares(space.toVoxel(mm)) });
  }

  set zoom(zoom) {
    this.viewer.set({ zoom: this.asSetting(zoom) });
  }

  asSetting({ factor, centre }) {
    const { space } = this.viewer;
    const mm = space.mm(space.fromShares(centre));
    return factor > 1 ? [factor, ...mm].map((v) => Math.round(1e3 * v) / 1e3) : null;
  }

  // Zoom at a place, shares of the volume along every axis; at the crosshair if none is given.
  zoomBy(ratio, at = this.viewer.space.shares(this.viewer.cursor)) {
    if (this.viewer.settings.view === 'ortho') this.zoom = zoomBy(this.zoom, ratio, at);
  }

  zoomOut() {
    this.zoom = WHOLE;
  }

  panBy(shares) {
    if (this.viewer.settings.zoom) this.zoom = panBy(this.zoom, shares);
  }

  // Bring a voxel in sight, except along axes that are held.
  follow(voxel, held) {
    if (!this.viewer.settings.zoom) return;
    const { zoom } = this;
    const at = this.viewer.space.shares(voxel).map((share, axis) => (held.includes(axis) ? zoom.centre[axis] : share));
    this.viewer.settings.zoom = this.asSetting(withInSight(zoom, at));
  }
}
