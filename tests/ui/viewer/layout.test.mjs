import assert from 'node:assert/strict';
import { test } from 'node:test';

import { expectedHeight } from '../../../mriinterp/ui/viewer/js/layout.js';

globalThis.innerHeight = 800; // a page's own height of a row is that in such a window
const SPEC = { shape: [100, 120, 100], affine: [[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]], height: 150 };
const layers = [{}, {}, {}];

test('room for a plane of each map beside the others is that of one row, however many maps', () => {
  const settings = { layout: 'columns', planes: 'Coronal' };
  assert.equal(expectedHeight({ ...SPEC, layers, settings }, 900), 106 + 150 + 40);
});

test('room for all planes in columns is that of three planes, in rows that of a row a map', () => {
  assert.equal(expectedHeight({ ...SPEC, layers, settings: { layout: 'columns' } }, 900), 106 + 125 + 125 + 150 + 3 * 40);
  assert.equal(expectedHeight({ ...SPEC, layers, settings: { layout: 'rows' } }, 900), 3 * (46 + 150 + 40) + 2 * 12);
});
