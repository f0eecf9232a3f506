// The boxes of an occlusion as Python places them: along each axis their ranges (first and one-past-last voxel) and
// centres, in the viewer's voxels. A voxel belongs to the box whose centre is nearest, of two to the first, as in the map.

function nearestBox(centres, voxel) {
  let best = 0;
  for (let n = 1; n < centres.length; n += 1) {
    if (Math.abs(centres[n] - voxel) < Math.abs(centres[best] - voxel)) best = n;
  }
  return best;
}

// Ranges along each axis of the box `shift` boxes away from the one a voxel belongs to; null where there is none.
export function boxAround({ ranges, centres }, voxel, shift = [0, 0, 0]) {
  const sides = ranges.map((axis, n) => axis[nearestBox(centres[n], voxel[n]) + shift[n]]);
  return sides.includes(undefined) ? null : sides;
}

// Centres of all boxes in the layer of boxes that a voxel belongs to, along two axes.
export function layerCentres({ centres }, voxel, axes) {
  const middle = centres.map((axis, n) => axis[nearestBox(axis, voxel[n])]);
  const [one, two] = axes;
  return centres[one].flatMap((a) => centres[two].map((b) => {
    const at = [...middle];
    [at[one], at[two]] = [a, b];
    return at;
  }));
}
