import assert from 'node:assert/strict';
import { test } from 'node:test';

import { boxAround, layerCentres } from '../../../mriinterp/ui/viewer/js/boxes.js';
import { reference } from './reference.mjs';

for (const { name, patch, voxels, boxes } of reference.boxes) {
  test(`${name}: the box around a voxel is the one that occlusion hides`, () => {
    assert.deepEqual(voxels.map((voxel) => boxAround(patch, voxel)), boxes);
  });
}

test('neighbours are boxes of the grid; beyond its ends there are none', () => {
  const patch = { ranges: [[[0, 4], [1, 7]], [[0, 4], [1, 7]], [[0, 4]]], centres: [[0, 3], [0, 3], [0]] };
  assert.deepEqual(boxAround(patch, [0, 0, 0], [1, 0, 0]), [[1, 7], [0, 4], [0, 4]]);
  for (const shift of [[-1, 0, 0], [2, 0, 0], [0, 0, 1]]) assert.equal(boxAround(patch, [0, 0, 0], shift), null);
});

test('centres in a plane are those of the layer of boxes around the crosshair', () => {
  const patch = { centres: [[0, 3], [0, 4, 8], [0, 5]] };
  assert.deepEqual(layerCentres(patch, [2, 0, 3], [0, 1]), [[0, 0, 5], [0, 4, 5], [0, 8, 5], [3, 0, 5], [3, 4, 5], [3, 8, 5]]);
});
