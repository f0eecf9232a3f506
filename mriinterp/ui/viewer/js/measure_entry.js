// Entry of the worker: measures what a threshold leaves, off the frame path. Maps are sent once and kept by id.

import { findClusters } from './clusters.js';
import { sliceSums } from './slice_sums.js';

const maps = new Map();

globalThis.onmessage = ({ data }) => {
  if (data.codes) maps.set(data.id, data);
  if (data.drop) maps.delete(data.drop);
  if (!data.job) return;
  const { codes, shape, zero } = maps.get(data.id);
  const { mask, clusters, voxels } = findClusters(codes, shape, data.low, data.high, data.least);
  const sums = sliceSums(codes, mask, shape, zero);
  postMessage({ id: data.id, job: data.job, mask: data.least > 1 ? mask : null, clusters, voxels, ...sums });
};
