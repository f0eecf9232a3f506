import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isChoice } from '../../../mriinterp/ui/viewer/js/history.js';
import { onlyHere } from '../../../mriinterp/ui/viewer/js/link.js';

const CHOICES = { always: ['subject', 'own', 'method'], others: ['c'] };
const choice = (before, after) => isChoice(before, after, CHOICES);

test('another subject or method is a choice, so is one scan of one\'s own for a subject', () => {
  assert.ok(choice('?subject=a&method=m', '?subject=b&method=m'));
  assert.ok(choice('?subject=a&method=m&mm=1,2,3', '?subject=a&method=n'));
  assert.ok(choice('?subject=a&method=m', '?own=scan&method=m'));
  assert.ok(choice('?subject=a&c=a:m&c=b:m', '?subject=a&c=a:m'));
});

test('crosshair, settings and parameters are none', () => {
  assert.ok(!choice('?subject=a&method=m', '?subject=a&method=m&mm=1,2,3&threshold=95'));
  assert.ok(!choice('?subject=a&method=m&mm=1,2,3', '?method=m&subject=a'));
});

test('what a page fills in as it opens is none', () => {
  assert.ok(!choice('', '?subject=a&method=m'));
  assert.ok(!choice('?embed=true', '?embed=true&subject=a&method=m'));
  assert.ok(!choice('?method=m', '?subject=a&method=m'));
});

test('an address of this computer is told', () => {
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '[::1]', 'app.localhost']) assert.match(onlyHere(host), /localhost/);
  for (const host of ['example.org', '10.0.0.7', 'localhost.example.org', '1127.0.0.1']) assert.equal(onlyHere(host), '');
});
