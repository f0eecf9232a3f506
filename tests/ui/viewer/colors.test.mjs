import assert from 'node:assert/strict';
import { test } from 'node:test';

import { colorRamp, farEnd, overlayTable, rampIndex, SCALES } from '../../../mriinterp/ui/viewer/js/colors.js';
import { assertClose, reference } from './reference.mjs';

for (const { kind, name, colors } of reference.ramps) {
  test(`${name} is linear between its stops`, () => {
    assertClose(Array.from(colorRamp(kind, name)), colors, 0.5001);
  });
}

test('signed scales are darkest or brightest at 0 and have their stops at the ends', () => {
  for (const [name, { stops }] of Object.entries(SCALES.signed)) {
    const ramp = colorRamp('signed', name);
    const hex = (n) => `#${Array.from(ramp.subarray(3 * n, 3 * n + 3), (v) => v.toString(16).padStart(2, '0')).join('')}`;
    assert.deepEqual([hex(0), hex(255)], [stops[0], stops.at(-1)]);
    assert.equal(stops.length % 2, 1, 'a stop in the middle');
  }
});

test('one sign has its half of the scale', () => {
  const colors = (part) => Array.from(colorRamp('signed', 'blue-white-red', part));
  const [whole, below, above] = ['both', 'negative', 'positive'].map(colors);
  assert.deepEqual([below.slice(0, 3), above.slice(-3)], [whole.slice(0, 3), whole.slice(-3)]);
  assert.deepEqual(below.slice(-3), above.slice(0, 3));
  assert.equal(farEnd([-3, 0]), 3);
});

test('a value stands on its scale, and beyond its ends at the end', () => {
  assert.deepEqual([-9, -2, -1, 0, 1, 2, 9].map((value) => rampIndex(value, [-2, 2])), [0, 0, 64, 128, 191, 255, 255]);
});

test('codes between the cuts are transparent, others have colour and opacity', () => {
  const ramp = colorRamp('signed', 'blue-white-red');
  const map = { zero: 1000, scale: 0.01 };
  const look = { ramp, range: [-2, 2], cuts: { low: 900, high: 1100 }, opacity: 0.5, fade: false };
  const table = overlayTable(map, look, new Uint32Array(65536));
  const bytes = (code) => [0, 8, 16, 24].map((shift) => (table[code] >>> shift) & 255);
  for (const code of [901, 1000, 1099, 65535]) assert.deepEqual(bytes(code), [0, 0, 0, 0]);
  assert.deepEqual(bytes(1200), [0x67, 0x00, 0x1f, 128]);
  assert.deepEqual(bytes(800), [0x05, 0x30, 0x61, 128]);
  assert.deepEqual(bytes(1100).slice(0, 3), Array.from(ramp.subarray(3 * 191, 3 * 191 + 3)));
  const faded = overlayTable(map, { ...look, fade: true }, new Uint32Array(65536));
  assert.equal(faded[1200] >>> 24, 128);
  assert.ok(faded[1100] >>> 24 < 128);
});
