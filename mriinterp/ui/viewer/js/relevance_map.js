// A relevance map: codes of 16 bits, their values, percentiles, and what a threshold shows.

import { joinPlanes, NO_VALUE } from './codes.js';
import { clamp } from './numbers.js';
import { middleOf } from './peak.js';
import { Percentiles } from './percentile.js';

export class RelevanceMap {
  constructor(meta, bytes, shape) {
    Object.assign(this, { scale: meta.scale, zero: meta.zero, codes: joinPlanes(bytes, meta.bits) });
    this.signed = meta.signed;
    const counts = new Uint32Array(65536);
    let top = 0;
    let tied = [];
    for (let p = 0; p < this.codes.length; p += 1) {
      const code = this.codes[p];
      if (code === NO_VALUE || code === this.zero) continue;
      const size = this.signed ? Math.abs(code - this.zero) : code - this.zero;
      if (size <= 0) continue;
      counts[size] += 1;
      if (size > top) [top, tied] = [size, []];
      if (size === top) tied.push(p);
    }
    this.peak = tied.length ? middleOf(tied, shape) : -1;
    this.percentiles = new Percentiles(counts);
    this.count = this.percentiles.count;
    this.top = top * this.scale;
    this.flat = this.count > 0 && counts[top] === this.count; // one value, as a mask
  }

  value(index) {
    const code = this.codes[index];
    return code === NO_VALUE ? NaN : (code - this.zero) * this.scale;
  }

  // The magnitude that a share of the magnitudes other than 0 does not exceed.
  quantile(percent) {
    return this.percentiles.magnitude(percent) * this.scale;
  }

  percentOf(value) {
    const size = clamp(Math.ceil(value / this.scale - 1e-6), 0, 65535);
    return this.percentiles.percentBelow(size);
  }

  // Codes at which colour begins on either side; what is exactly 0 has no colour.
  cuts(threshold) {
    const size = Math.max(1, Math.ceil(threshold / this.scale - 1e-6));
    return { high: this.zero + size, low: this.signed ? this.zero - size : -1 };
  }

  // Ends of the map's own scale; outliers do not stretch it.
  ownRange() {
    const robust = this.quantile(99.9);
    const top = (this.top > 1.5 * robust && robust > 0 ? robust : this.top) || 1;
    return this.signed ? [-top, top] : [0, top];
  }
}
