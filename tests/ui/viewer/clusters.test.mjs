import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findClusters } from '../../../mriinterp/ui/viewer/js/clusters.js';
import { middleOf } from '../../../mriinterp/ui/viewer/js/peak.js';
import { sliceSums } from '../../../mriinterp/ui/viewer/js/slice_sums.js';
import { assertClose, reference } from './reference.mjs';

for (const wanted of reference.clusters) {
  const { name, codes, shape, low, high, least, zero } = wanted;
  test(`clusters of at least ${least} in "${name}" are scipy's, and so are the sums of what is shown`, () => {
    const { mask, clusters, voxels } = findClusters(Uint16Array.from(codes), shape, low, high, least);
    assert.deepEqual(Array.from(mask), wanted.mask);
    assert.deepEqual({ clusters, voxels }, { clusters: wanted.clusters, voxels: wanted.voxels });
    const { positive, negative } = sliceSums(Uint16Array.from(codes), mask, shape, zero);
    assertClose(positive.map((side) => Array.from(side)), wanted.positive, 1e-6, 'positive');
    assertClose(negative.map((side) => Array.from(side)), wanted.negative, 1e-6, 'negative');
  });
}

for (const { name, shape, voxels, middle } of reference.peaks) {
  test(`the peak of "${name}" is in the middle of the largest part`, () => {
    assert.ok(middle.includes(middleOf(voxels, shape)));
  });
}
