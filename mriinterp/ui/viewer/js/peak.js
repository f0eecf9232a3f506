// Where a map is strongest.

// Index of the voxel in the middle of the largest part, connected by faces, of voxels that share the largest value, as
// in occluded boxes and areas: a cut along the edge of a box would show half of it.
export function middleOf(voxels, [nx, ny, nz]) {
  const place = (p) => [p % nx, Math.floor(p / nx) % ny, Math.floor(p / (nx * ny))];
  const left = new Set(voxels);
  let largest = [];
  for (const first of voxels) {
    if (!left.delete(first)) continue;
    const part = [first];
    for (let n = 0; n < part.length; n += 1) {
      const at = place(part[n]);
      for (const [axis, stride, size] of [[0, 1, nx], [1, nx, ny], [2, nx * ny, nz]]) {
        if (at[axis] > 0 && left.delete(part[n] - stride)) part.push(part[n] - stride);
        if (at[axis] < size - 1 && left.delete(part[n] + stride)) part.push(part[n] + stride);
      }
    }
    if (part.length > largest.length) largest = part;
  }
  const places = largest.map(place);
  const middle = [0, 1, 2].map((axis) => places.reduce((sum, at) => sum + at[axis], 0) / places.length);
  const far = places.map((at) => at.reduce((sum, v, axis) => sum + (v - middle[axis]) ** 2, 0));
  return largest[far.reduce((best, d, n) => (d < far[best] ? n : best), 0)];
}
