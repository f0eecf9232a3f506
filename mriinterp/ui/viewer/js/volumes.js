// Volumes as the browser holds them: codes, and how codes become values.

// Bytes arrive in planes: all low bytes, then all high bytes.
function joinPlanes(bytes, bits) {
  if (bits === 8) return bytes;
  const count = bytes.length / 2;
  const codes = new Uint16Array(count);
  for (let p = 0; p < count; p += 1) codes[p] = bytes[p] | (bytes[count + p] << 8);
  return codes;
}

class Scan {
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

// Of voxels that share the largest value, as in occluded boxes and areas, the one in the middle of their largest
// connected part: a cut along the edge of a box would show half of it.
function middleOf(voxels, [nx, ny]) {
  const left = new Set(voxels);
  let largest = [];
  for (const first of voxels) {
    if (!left.delete(first)) continue;
    const part = [first];
    for (let n = 0; n < part.length; n += 1) {
      for (const step of [1, -1, nx, -nx, nx * ny, -nx * ny]) if (left.delete(part[n] + step)) part.push(part[n] + step);
    }
    if (part.length > largest.length) largest = part;
  }
  const place = (p) => [p % nx, Math.floor(p / nx) % ny, Math.floor(p / (nx * ny))];
  const places = largest.map(place);
  const middle = [0, 1, 2].map((axis) => places.reduce((sum, at) => sum + at[axis], 0) / places.length);
  const far = places.map((at) => at.reduce((sum, v, axis) => sum + (v - middle[axis]) ** 2, 0));
  return largest[far.reduce((best, d, n) => (d < far[best] ? n : best), 0)];
}

class RelevanceMap {
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
    this.below = new Uint32Array(65537);
    for (let size = 0; size < 65536; size += 1) this.below[size + 1] = this.below[size] + counts[size];
    this.count = this.below[65536];
    this.top = top * this.scale;
    this.flat = this.count > 0 && counts[top] === this.count; // one value, as a mask
  }

  value(index) {
    const code = this.codes[index];
    return code === NO_VALUE ? NaN : (code - this.zero) * this.scale;
  }

  // The magnitude that a share of the magnitudes other than 0 does not exceed.
  quantile(percent) {
    if (percent <= 0 || this.count === 0) return 0;
    const rank = Math.min(this.count, Math.ceil((percent / 100) * this.count));
    let [low, high] = [0, 65535];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.below[middle + 1] >= rank) high = middle;
      else low = middle + 1;
    }
    return low * this.scale;
  }

  percentOf(value) {
    const size = clamp(Math.ceil(value / this.scale - 1e-6), 0, 65535);
    return this.count ? (100 * this.below[size]) / this.count : 0;
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

class Areas {
  constructor(meta, bytes) {
    this.name = meta.name;
    this.names = meta.names;
    this.codes = joinPlanes(bytes, meta.bits);
  }

  at(index) {
    const code = this.codes[index];
    return code === 0 ? 'outside the areas' : this.names[code - 1];
  }
}
