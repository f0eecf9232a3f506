// Percentiles of magnitudes that are whole numbers of steps, from their counts.

export class Percentiles {
  // counts[size]: how many voxels have that magnitude; counts[0] must be 0.
  constructor(counts) {
    this.below = new Uint32Array(counts.length + 1);
    for (let size = 0; size < counts.length; size += 1) this.below[size + 1] = this.below[size] + counts[size];
    this.count = this.below[counts.length];
  }

  // The smallest magnitude that at least this share does not exceed (numpy's "inverted_cdf"); 0 for 0 % and for no voxels.
  magnitude(percent) {
    const rank = Math.min(this.count, Math.ceil((percent * this.count) / 100));
    let [low, high] = [0, this.below.length - 2];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.below[middle + 1] >= rank) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  // Share in percent of the magnitudes below this one.
  percentBelow(size) {
    return this.count ? (100 * this.below[size]) / this.count : 0;
  }
}
