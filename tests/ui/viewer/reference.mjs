// Reference values made by reference.py, and ways to compare with them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

export const reference = JSON.parse(readFileSync(new URL('reference.json', import.meta.url), 'utf8'));

export function message(packed) {
  return new Uint8Array(Buffer.from(packed.message, 'base64'));
}

export function assertClose(actual, expected, tolerance, about = '') {
  const [a, b] = [[actual].flat(Infinity), [expected].flat(Infinity)];
  assert.equal(a.length, b.length, about);
  a.forEach((value, n) => assert.ok(Math.abs(value - b[n]) <= tolerance, `${about}: ${value} is not ${b[n]} at ${n}`));
}
