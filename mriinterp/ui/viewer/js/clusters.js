// Clusters of voxels that pass the threshold: of one sign, touching by faces, of a least size.

import { NO_VALUE } from './codes.js';

// Codes >= high count as positive, codes <= low as negative. In the mask 3 is positive, 4 negative, 0 hidden.
export function findClusters(codes, shape, low, high, least) {
  const [nx, ny, nz] = shape;
  const plane = nx * ny;
  const mask = new Uint8Array(codes.length);
  for (let p = 0; p < codes.length; p += 1) {
    const code = codes[p];
    mask[p] = code === NO_VALUE ? 0 : code >= high ? 1 : code <= low ? 2 : 0;
  }
  const queue = new Int32Array(codes.length);
  let clusters = 0;
  let voxels = 0;
  for (let seed = 0; seed < mask.length; seed += 1) {
    const sign = mask[seed];
    if (sign !== 1 && sign !== 2) continue;
    let tail = 1;
    queue[0] = seed;
    mask[seed] = sign + 2;
    for (let head = 0; head < tail; head += 1) {
      const p = queue[head];
      const i = p % nx;
      const j = ((p / nx) | 0) % ny;
      const k = (p / plane) | 0;
      if (i > 0 && mask[p - 1] === sign) mask[(queue[tail++] = p - 1)] = sign + 2;
      if (i < nx - 1 && mask[p + 1] === sign) mask[(queue[tail++] = p + 1)] = sign + 2;
      if (j > 0 && mask[p - nx] === sign) mask[(queue[tail++] = p - nx)] = sign + 2;
      if (j < ny - 1 && mask[p + nx] === sign) mask[(queue[tail++] = p + nx)] = sign + 2;
      if (k > 0 && mask[p - plane] === sign) mask[(queue[tail++] = p - plane)] = sign + 2;
      if (k < nz - 1 && mask[p + plane] === sign) mask[(queue[tail++] = p + plane)] = sign + 2;
    }
    if (tail < least) {
      for (let m = 0; m < tail; m += 1) mask[queue[m]] = 0;
    } else {
      clusters += 1;
      voxels += tail;
    }
  }
  return { mask, clusters, voxels };
}
