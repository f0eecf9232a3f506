import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PLANES } from '../../../mriinterp/ui/viewer/js/geometry.js';
import { KEYS, MOUSE, runKey } from '../../../mriinterp/ui/viewer/js/keys.js';
import { formatCount, formatMm, formatNumber } from '../../../mriinterp/ui/viewer/js/numbers.js';
import {
  changesFromPython, reportedSettings, startSettings, thresholdOf, withWindow, workFor,
} from '../../../mriinterp/ui/viewer/js/settings.js';

test('numbers have three significant digits, a true minus, and powers only where zeros would hide them', () => {
  const written = { 0: '0', 0.0316: '0.0316', 2.5: '2.50', '-2.5': '−2.50', 123.4: '123', 4.2e-5: '4.20×10⁻⁵', '-3e7': '−3.00×10⁷' };
  for (const [value, text] of Object.entries(written)) assert.equal(formatNumber(Number(value)), text);
  assert.deepEqual([0.9996, 0.001, 0.000999, 999400, 1e6].map((value) => formatNumber(value)), ['1.00', '0.00100', '9.99×10⁻⁴', '999400', '1.00×10⁶']);
  assert.equal(formatNumber(0.0123456, 4), '0.01235');
  assert.equal(formatNumber(NaN), 'no value');
});

test('millimetres have one decimal, counts a gap at thousands', () => {
  assert.deepEqual([-0.04, 12.34, -7.06, 30].map(formatMm), ['0', '12.3', '−7.1', '30']);
  assert.deepEqual([7, 1234, 1234567].map(formatCount), ['7', '1 234', '1 234 567']);
});

test('what Python changes counts, what the reader chose stays', () => {
  const settings = { ...startSettings({ opacity: 0.8, threshold: 90 }), opacity: 0.3 };
  Object.assign(settings, changesFromPython({ opacity: 0.8, threshold: 90 }, { opacity: 0.8, threshold: 95 }));
  assert.deepEqual([settings.opacity, settings.threshold], [0.3, 95]);
  // Python that no longer names a setting means its default.
  assert.deepEqual(changesFromPython({ planes: 'Axial' }, {}), { planes: 'all' });
  assert.deepEqual(Object.keys(reportedSettings(settings)).toSorted(), Object.keys(startSettings({
    view: 0, layout: 0, convention: 0, threshold: 0, threshold_mode: 0, cluster: 0, opacity: 0, outlines: 0, share_range: 0,
  })).toSorted());
});

test('a change asks for the work that depends on it', () => {
  assert.deepEqual(workFor({ threshold: 3 }), ['measure', 'color']);
  assert.deepEqual(workFor({ white: 0.5 }), ['window']);
  assert.deepEqual(workFor({ crosshair: false }), []);
});

test('black stays below white', () => {
  assert.deepEqual(withWindow({ black: 0.9 }, { black: 0, white: 0.5 }), { black: 0.9, white: 0.92 });
  assert.deepEqual(withWindow({ white: 0.25 }, { black: 0.5, white: 1 }), { white: 0.25, black: 0.23 });
  assert.deepEqual(withWindow({ black: 0.1, white: 0.6 }, { black: 0, white: 1 }), { black: 0.1, white: 0.6 });
  assert.deepEqual(withWindow({ white: 0.7 }, { black: 0.5, white: 1 }), { white: 0.7, black: 0.5 });
});

test('without a threshold the 90th percentile counts, as a value nothing is hidden', () => {
  assert.equal(thresholdOf({ threshold: null, threshold_mode: 'percentile' }), 90);
  assert.equal(thresholdOf({ threshold: null, threshold_mode: 'value' }), 0);
  assert.equal(thresholdOf({ threshold: 0, threshold_mode: 'percentile' }), 0);
});

test('every key and way of the mouse is said once', () => {
  const keys = KEYS.flatMap((entry) => entry.keys);
  assert.equal(new Set(keys).size, keys.length);
  for (const { shown, words } of [...KEYS, ...MOUSE]) assert.ok(shown && words);
});

test('a key does what is said of it, and others are left to the browser', () => {
  const done = [];
  const viewer = {
    settings: { overlay: true }, step: (...args) => done.push(args), set: (changes) => done.push(changes),
    viewport: { zoomBy: (ratio) => done.push(ratio > 1), zoomOut: () => done.push('whole') },
  };
  const press = (key, more = {}, flip = true) => runKey({ viewer, plane: PLANES[2], flip }, { key, ...more });
  assert.ok(press('ArrowRight') && press('ArrowRight', { shiftKey: true }, false) && press('ArrowUp') && press('PageDown') && press('Home'));
  assert.ok(press('O') && press('+') && press('-') && press('0'));
  assert.deepEqual(done, [[0, -1], [0, 10], [1, 1], [2, -1], [2, -1e6], { overlay: false }, true, false, 'whole']);
  for (const more of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }]) assert.ok(!press('o', more));
  assert.ok(!press('x') && !press('Tab'));
});
