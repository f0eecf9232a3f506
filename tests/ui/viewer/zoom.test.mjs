import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PLANES } from '../../../mriinterp/ui/viewer/js/geometry.js';
import { tallestRow } from '../../../mriinterp/ui/viewer/js/layout.js';
import { limited, panBy, placeInBox, planeBox, sharesInBox, WHOLE, withInSight, zoomBy } from '../../../mriinterp/ui/viewer/js/zoom.js';
import { assertClose } from './reference.mjs';

const CANVAS = { width: 300, height: 240 };
const EXTENT = [180, 200]; // mm
const [, CORONAL, AXIAL] = PLANES;

test('without zoom the whole plane is in the middle, in millimetres of one length', () => {
  assert.deepEqual(planeBox(CANVAS, AXIAL, EXTENT, WHOLE, false), { x: 42, y: 0, width: 216, height: 240 });
});

test('places and pixels are each other’s inverse, in either convention and at any zoom', () => {
  for (const flip of [false, true]) {
    for (const factor of [1, 1.7, 5]) {
      const zoom = limited({ factor, centre: [0.3, 0.45, 0.8] });
      const box = planeBox(CANVAS, CORONAL, EXTENT, zoom, flip);
      const at = [0.21, 0.6, 0.87];
      assertClose(sharesInBox(box, CORONAL, placeInBox(box, CORONAL, at, flip), flip, at), at, 1e-12);
      assertClose(box.width / box.height, EXTENT[0] / EXTENT[1], 1e-12);
    }
  }
  const box = planeBox(CANVAS, AXIAL, EXTENT, WHOLE, true);
  assert.deepEqual(placeInBox(box, AXIAL, [0, 1, 0.5], true), [258, 0], 'left front is at the top right');
});

test('the place at the pointer stays there', () => {
  const start = limited({ factor: 2, centre: [0.4, 0.5, 0.6] });
  const at = [0.45, 0.52, 0.55];
  for (const flip of [false, true]) {
    const pixel = (zoom) => placeInBox(planeBox(CANVAS, AXIAL, EXTENT, zoom, flip), AXIAL, at, flip);
    assertClose(pixel(zoomBy(start, 1.8, at)), pixel(start), 1e-9);
  }
});

test('zoom has ends, and shows nothing but the volume', () => {
  assert.deepEqual(zoomBy(WHOLE, 0.5, [0.1, 0.1, 0.1]), WHOLE);
  assert.equal(zoomBy(WHOLE, 1e9, [0.5, 0.5, 0.5]).factor, 12);
  assert.deepEqual(zoomBy(WHOLE, 2, [0, 1, 0.5]).centre, [0.25, 0.75, 0.5]);
  assert.deepEqual(panBy({ factor: 4, centre: [0.5, 0.5, 0.5] }, [-9, 9, 0.1]).centre, [0.125, 0.875, 0.6]);
  assert.deepEqual(panBy(WHOLE, [0.2, 0, 0]), WHOLE);
  assert.deepEqual(limited({ factor: 0.2, centre: [0, 0, 0] }), WHOLE);
});

test('what comes in sight moves the centre as little as it must', () => {
  const zoom = { factor: 2, centre: [0.5, 0.5, 0.5] };
  assert.deepEqual(withInSight(zoom, [0.5, 0.3, 0.7]), zoom);
  assertClose(withInSight(zoom, [0.9, 0.5, 0.1]).centre, [0.9 - 0.225, 0.5, 0.1 + 0.225], 1e-12);
});

test('planes of a given height grow with the window', () => {
  assert.equal(tallestRow({ height: 170 }, 0.5, 640, 700), 170);
  assert.equal(tallestRow({ height: 170 }, 0.5, 640, 1080), 310);
  assert.equal(tallestRow({}, 0.5, 640, 1000), 500);
});
