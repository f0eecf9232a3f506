// Sums of what is shown over every slice along every axis.

// In steps of the codes, positive and negative apart; one array an axis each.
export function sliceSums(codes, mask, shape, zero) {
  const [nx, ny, nz] = shape;
  const positive = shape.map((n) => new Float64Array(n));
  const negative = shape.map((n) => new Float64Array(n));
  for (let k = 0, p = 0; k < nz; k += 1) {
    for (let j = 0; j < ny; j += 1) {
      for (let i = 0; i < nx; i += 1, p += 1) {
        if (mask[p] === 0) continue;
        const value = codes[p] - zero;
        const side = value > 0 ? positive : negative;
        side[0][i] += value;
        side[1][j] += value;
        side[2][k] += value;
      }
    }
  }
  return { positive, negative };
}
