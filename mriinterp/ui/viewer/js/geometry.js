// Planes, letters and millimetres. Arrays are in RAS+ order: i to the right, j to the front, k up; i runs fastest.

import { clamp } from './numbers.js';

export const PLANES = [
  { axis: 0, name: 'Sagittal', coordinate: 'x', horizontal: 1, vertical: 2 },
  { axis: 1, name: 'Coronal', coordinate: 'y', horizontal: 0, vertical: 2 },
  { axis: 2, name: 'Axial', coordinate: 'z', horizontal: 0, vertical: 1 },
];
export const LETTERS = [['L', 'R'], ['P', 'A'], ['I', 'S']];
export const CONVENTIONS = {
  radiological: 'Radiological: patient left on screen right',
  neurological: 'Neurological: patient left on screen left',
};

function transform(matrix, [x, y, z]) {
  return [0, 1, 2].map((row) => matrix[row][0] * x + matrix[row][1] * y + matrix[row][2] * z + matrix[row][3]);
}

// Cofactor of the linear part of a 4 × 4 matrix.
function cofactor(m, r, c) {
  const [a, b] = [0, 1, 2].filter((i) => i !== r);
  const [d, e] = [0, 1, 2].filter((i) => i !== c);
  return (m[a][d] * m[b][e] - m[a][e] * m[b][d]) * ((r + c) % 2 ? -1 : 1);
}

function determinant(m) {
  return [0, 1, 2].reduce((sum, c) => sum + m[0][c] * cofactor(m, 0, c), 0);
}

export function invert(m) {
  const det = determinant(m);
  return [0, 1, 2].map((r) => {
    const row = [0, 1, 2].map((c) => cofactor(m, c, r) / det);
    return [...row, -row.reduce((sum, value, c) => sum + value * m[c][3], 0)];
  });
}

export class Space {
  constructor(spec) {
    this.shape = spec.shape;
    this.affine = spec.affine;
    this.inverse = invert(spec.affine);
    this.toFile = spec.toVoxel;
    this.strides = [1, spec.shape[0], spec.shape[0] * spec.shape[1]];
    this.zooms = [0, 1, 2].map((c) => Math.hypot(...[0, 1, 2].map((r) => spec.affine[r][c])));
    this.voxelVolume = Math.abs(determinant(spec.affine));
  }

  get center() {
    return this.shape.map((n) => n >> 1);
  }

  index([i, j, k]) {
    return i + this.strides[1] * j + this.strides[2] * k;
  }

  voxelAt(index) {
    return [index % this.shape[0], Math.floor(index / this.strides[1]) % this.shape[1], Math.floor(index / this.strides[2])];
  }

  inside(voxel) {
    return voxel.map((v, axis) => clamp(Math.round(v), 0, this.shape[axis] - 1));
  }

  mm(voxel) {
    return transform(this.affine, voxel);
  }

  // A place in mm as a voxel with fractions.
  toVoxel(mm) {
    return transform(this.inverse, mm);
  }

  fromMm(mm) {
    return this.inside(this.toVoxel(mm));
  }

  // A voxel (fractions allowed) as shares, 0 to 1, of the volume along every axis, and back.
  shares(voxel) {
    return voxel.map((v, axis) => (v + 0.5) / this.shape[axis]);
  }

  fromShares(shares) {
    return shares.map((share, axis) => share * this.shape[axis] - 0.5);
  }

  // The voxel as the caller's array counts it; differs from ours when its order is not RAS+.
  fileVoxel(voxel) {
    return transform(this.toFile, this.mm(voxel)).map(Math.round);
  }

  // Size of a plane in mm, whole voxels included.
  extent(plane) {
    return [plane.horizontal, plane.vertical].map((axis) => this.shape[axis] * this.zooms[axis]);
  }
}

export const isFlipped = (axis, convention) => axis === 0 && convention === 'radiological';

// Letters at the left, right, top and bottom of a plane.
export function planeLetters(plane, convention) {
  const [low, high] = LETTERS[plane.horizontal];
  const [bottom, top] = LETTERS[plane.vertical];
  return isFlipped(plane.horizontal, convention)
    ? { left: high, right: low, top, bottom }
    : { left: low, right: high, top, bottom };
}
