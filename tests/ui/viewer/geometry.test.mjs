import assert from 'node:assert/strict';
import { test } from 'node:test';

import { invert, isFlipped, PLANES, planeLetters, Space } from '../../../mriinterp/ui/viewer/js/geometry.js';
import { assertClose, reference } from './reference.mjs';

for (const wanted of reference.spaces) {
  const { name, voxels } = wanted;
  test(`${name}: millimetres and voxels are nibabel's`, () => {
    const space = new Space(wanted);
    assertClose(invert(wanted.affine), wanted.inverse.slice(0, 3), 1e-12, 'inverse');
    assertClose(voxels.map((voxel) => space.mm(voxel)), wanted.mm, 1e-9, 'mm');
    assert.deepEqual(voxels.map((voxel) => space.fileVoxel(voxel).map((v) => v + 0)), wanted.file);
    assert.deepEqual(wanted.mm.map((mm) => space.fromMm(mm)), voxels);
    assertClose(space.zooms, wanted.edges, 1e-12, 'edges');
    assertClose(PLANES.map((plane) => space.extent(plane)), wanted.extents, 1e-9, 'extents');
    assert.deepEqual(space.center, wanted.shape.map((n) => Math.floor(n / 2)));
    assertClose(space.voxelVolume, wanted.volume, 1e-9, 'volume');
  });
}

test('i runs fastest', () => {
  const space = new Space(reference.spaces[0]);
  const [nx, ny, nz] = space.shape;
  let index = 0;
  for (let k = 0; k < nz; k += 1) {
    for (let j = 0; j < ny; j += 1) {
      for (let i = 0; i < nx; i += 1, index += 1) {
        assert.equal(space.index([i, j, k]), index);
        assert.deepEqual(space.voxelAt(index), [i, j, k]);
      }
    }
  }
});

test('a place outside is moved to the nearest voxel', () => {
  const space = new Space(reference.spaces[0]);
  assert.deepEqual(space.inside([-3, 2.4, 99]), [0, 2, space.shape[2] - 1]);
  assert.deepEqual(space.fromMm([1e6, 1e6, -1e6]), [space.shape[0] - 1, space.shape[1] - 1, 0]);
});

test('shares run from the edge of the first voxel to the edge of the last', () => {
  const space = new Space(reference.spaces[0]);
  assert.deepEqual(space.shares([-0.5, space.shape[1] / 2 - 0.5, space.shape[2] - 0.5]), [0, 0.5, 1]);
  assertClose(space.fromShares(space.shares([1, 2.5, 3])), [1, 2.5, 3], 1e-12);
  assertClose(space.toVoxel(space.mm([1, 2.5, 3])), [1, 2.5, 3], 1e-9);
});

test('letters turn with the picture, and only left and right do', () => {
  const letters = (convention) => PLANES.map((plane) => planeLetters(plane, convention));
  const sagittal = { left: 'P', right: 'A', top: 'S', bottom: 'I' };
  assert.deepEqual(letters('radiological'), [
    sagittal, { left: 'R', right: 'L', top: 'S', bottom: 'I' }, { left: 'R', right: 'L', top: 'A', bottom: 'P' },
  ]);
  assert.deepEqual(letters('neurological'), [
    sagittal, { left: 'L', right: 'R', top: 'S', bottom: 'I' }, { left: 'L', right: 'R', top: 'A', bottom: 'P' },
  ]);
  for (const plane of PLANES) {
    assert.equal(isFlipped(plane.horizontal, 'radiological'), plane.name !== 'Sagittal');
    assert.ok(!isFlipped(plane.horizontal, 'neurological'));
  }
});
