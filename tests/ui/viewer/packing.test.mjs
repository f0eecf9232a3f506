import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Areas } from '../../../mriinterp/ui/viewer/js/areas.js';
import { RelevanceMap } from '../../../mriinterp/ui/viewer/js/relevance_map.js';
import { Scan } from '../../../mriinterp/ui/viewer/js/scan.js';
import { keepVolume, releaseVolume, volumeBytes } from '../../../mriinterp/ui/viewer/js/store.js';
import { assertClose, message, reference } from './reference.mjs';

const { packed } = reference;
const SHAPE = [7, 8, 9];

async function bytesOf(name) {
  const digest = keepVolume(message(packed[name]));
  assert.equal(digest, packed[name].meta.volume);
  return volumeBytes(digest);
}

test('relevance has the values that Python packed, and 0 where they are 0', async () => {
  const map = new RelevanceMap({ ...packed.relevance.meta, signed: true }, await bytesOf('relevance'), SHAPE);
  const { values } = packed.relevance;
  const span = Math.max(...values) - Math.min(...values);
  const read = values.map((_, p) => map.value(p));
  assertClose(read, values, span / 131000);
  values.forEach((value, p) => assert.equal(read[p] === 0, value === 0));
  const sizes = values.map(Math.abs);
  assert.equal(map.peak, sizes.indexOf(Math.max(...sizes)));
});

test('a voxel without a value has none, and does not count', async () => {
  const { voxel, meta } = packed.missing;
  const map = new RelevanceMap({ ...meta, signed: true }, await bytesOf('missing'), SHAPE);
  assert.ok(Number.isNaN(map.value(voxel)));
  const { values } = packed.relevance;
  assert.equal(map.count, values.filter((value, p) => value !== 0 && p !== voxel).length);
});

test('a scan has its values to a 255th, its window, and its bounds', async () => {
  const { meta, values, window, bounds, shape } = packed.scan;
  const scan = new Scan(meta, await bytesOf('scan'));
  assertClose(scan.window, window, 1e-3);
  const inside = values.map((value, p) => [value, scan.value(p)]).filter(([value]) => value < meta.high);
  assertClose(inside.map(([, read]) => read), inside.map(([value]) => value), (meta.high - meta.low) / 500);
  assert.deepEqual(scan.bounds({ shape }), bounds);
  scan.setWindow(0, 1);
  const grey = (value) => scan.table[Math.round(scan.code(value))] & 255;
  assertClose([grey(window[0]), grey(window[1])], [0, 255], 1);
  assertClose(grey((window[0] + window[1]) / 2), 127.5, 2);
});

for (const name of ['few areas', 'many areas']) {
  test(`${name}: every voxel has the name of its area`, async () => {
    const areas = new Areas({ name, ...packed[name].meta }, await bytesOf(name));
    assert.deepEqual(packed[name].names.map((_, p) => areas.at(p)), packed[name].names);
  });
}

test('a volume is kept until its last user is gone', async () => {
  const store = () => globalThis.mriinterpVolumes;
  const digest = keepVolume(message(packed['few areas']));
  const before = store().get(digest).users;
  keepVolume(message(packed['few areas']));
  for (let n = before; n >= 1; n -= 1) {
    releaseVolume(digest);
    assert.ok(store().has(digest));
  }
  releaseVolume(digest);
  assert.ok(!store().has(digest));
});
