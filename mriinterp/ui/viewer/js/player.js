// Steps by itself through the slices of the plane that was used last, as far as there is tissue.

const INTERVAL = 90; // ms

export class Player {
  // changed(playing) is called when playing begins or ends.
  constructor(viewer, changed) {
    Object.assign(this, { viewer, changed });
    this.timer = null;
  }

  get playing() {
    return this.timer !== null;
  }

  toggle() {
    if (this.playing) this.stop();
    else this.start();
  }

  start() {
    this.timer = setInterval(() => this.step(), INTERVAL);
    this.changed(true);
  }

  stop() {
    if (!this.playing) return;
    clearInterval(this.timer);
    this.timer = null;
    this.changed(false);
  }

  step() {
    const { viewer } = this;
    const { active, cursor, space, views } = viewer;
    const [first, last] = views[0].scan.bounds(space)[active];
    const voxel = [...cursor];
    voxel[active] = voxel[active] >= last || voxel[active] < first ? first : voxel[active] + 1;
    viewer.moveTo(voxel);
  }
}
