// A scan: codes of 8 bits, the window of values that is shown, and where there is tissue.

import { joinPlanes } from './codes.js';
import { greyTable } from './colors.js';

export class Scan {
  constructor(meta, bytes) {
    this.codes = joinPlanes(bytes, meta.bits);
    this.low = meta.low;
    this.high = meta.high;
    this.window = meta.window;
    this.table = new Uint32Array(256);
  }

  value(index) {
    return this.low + (this.codes[index] / 255) * (this.high - this.low);
  }

  code(value) {
    return (255 * (value - this.low)) / (this.high - this.low);
  }

  // black and white: 0 is the 1st, 1 the 99th percentile.
  setWindow(black, white) {
    const [dark, bright] = this.window;
    const at = (share) => this.code(dark + share * (bright - dark));
    greyTable(at(black), at(white), this.table);
  }

  // First and last slice with tissue along each axis.
  bounds(space) {
    if (this.box) return this.box;
    const seen = space.shape.map((n) => new Uint32Array(n));
    const least = Math.max(1, this.code(this.window[0]));
    const [nx, ny, nz] = space.shape;
    for (let k = 0, p = 0; k < nz; k += 1) {
      for (let j = 0; j < ny; j += 1) {
        for (let i = 0; i < nx; i += 1, p += 1) {
          if (this.codes[p] <= least) continue;
          seen[0][i] += 1;
          seen[1][j] += 1;
          seen[2][k] += 1;
        }
      }
    }
    this.box = seen.map((counts) => {
      const first = counts.findIndex((count) => count > 0);
      return first < 0 ? [0, counts.length - 1] : [first, counts.findLastIndex((count) => count > 0)];
    });
    return this.box;
  }
}
