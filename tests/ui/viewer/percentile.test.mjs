import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keepVolume, volumeBytes } from '../../../mriinterp/ui/viewer/js/store.js';
import { RelevanceMap } from '../../../mriinterp/ui/viewer/js/relevance_map.js';
import { assertClose, message, reference } from './reference.mjs';

for (const wanted of reference.percentiles) {
  const { name, signed, shape, meta, count, percents, magnitudes, some, below } = wanted;
  test(`percentiles of ${name}, ${signed ? 'both signs' : 'positive'}, are numpy's`, async () => {
    const map = new RelevanceMap({ ...meta, signed }, await volumeBytes(keepVolume(message(wanted))), shape);
    const step = name === 'fractions' ? meta.scale / 2 : 1e-6;
    assert.equal(map.count, count);
    assertClose(percents.map((percent) => map.quantile(percent)), magnitudes, step);
    // Between two magnitudes: half a step below each, so that rounding of the codes does not matter.
    assertClose(some.map((size) => map.percentOf(size - meta.scale / 2)), below, name === 'fractions' ? 0.5 : 1e-9);
    assert.equal(map.flat, name === 'mask');
  });

  test(`what a threshold of ${name} shows, ${signed ? 'both signs' : 'positive'}, has at least that magnitude`, async () => {
    const map = new RelevanceMap({ ...meta, signed }, await volumeBytes(keepVolume(message(wanted))), shape);
    for (const percent of [0, 25, 90]) {
      const threshold = map.quantile(percent);
      const { high, low } = map.cuts(threshold);
      map.codes.forEach((code, p) => {
        const size = signed ? Math.abs(map.value(p)) : map.value(p);
        const shown = code >= high || code <= low;
        assert.equal(shown, size > 0 && size >= threshold * (1 - 1e-9));
      });
    }
  });
}

test('a map of zeros has a scale, and nothing lies below anything', async () => {
  const zero = reference.percentiles.find(({ name, signed }) => name === 'zero' && signed);
  const map = new RelevanceMap({ ...zero.meta, signed: true }, await volumeBytes(keepVolume(message(zero))), zero.shape);
  assert.deepEqual([map.ownRange(), map.percentOf(1), map.peak, map.flat], [[-1, 1], 0, -1, false]);
});

test('the share below a value counts what lies between it and the next magnitude', () => {
  const bytes = Uint8Array.from([0, 2, 4, 4, 0, 0, 0, 0]);
  const map = new RelevanceMap({ scale: 0.5, zero: 0, bits: 16, signed: false }, bytes, [4, 1, 1]);
  assertClose([0.9, 1, 1.1, 1.9, 2, 2.1].map((value) => map.percentOf(value)), [0, 0, 100 / 3, 100 / 3, 100 / 3, 100], 1e-9);
  assert.deepEqual([0, 0.9, 1, 1.1].map((value) => map.cuts(value).high), [1, 2, 2, 3]);
});

test('an outlier does not stretch the scale, a high peak does', async () => {
  const map = (sizes) => {
    const bytes = new Uint8Array(2 * sizes.length);
    sizes.forEach((size, p) => { [bytes[p], bytes[sizes.length + p]] = [size & 255, size >> 8]; });
    return new RelevanceMap({ scale: 0.5, zero: 0, bits: 16, signed: false }, bytes, [sizes.length, 1, 1]);
  };
  const plain = Array.from({ length: 2000 }, (_, n) => 1 + (n % 1000));
  assert.deepEqual(map(plain).ownRange(), [0, 500]);
  assert.deepEqual(map([...plain, 1400]).ownRange(), [0, 700]);
  assert.deepEqual(map([...plain, 60000]).ownRange(), [0, 500]);
});
