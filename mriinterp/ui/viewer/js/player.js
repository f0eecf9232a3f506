// Steps through slices by itself.

const INTERVAL = 90; // ms

export class Player {
  // step() moves on by one slice; changed(playing) is called when playing begins or ends.
  constructor(step, changed) {
    Object.assign(this, { step, changed });
    this.timer = null;
  }

  get playing() {
    return this.timer !== null;
  }

  start() {
    if (this.playing) return;
    this.timer = setInterval(this.step, INTERVAL);
    this.changed(true);
  }

  stop() {
    if (!this.playing) return;
    clearInterval(this.timer);
    this.timer = null;
    this.changed(false);
  }
}
