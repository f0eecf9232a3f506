// What a viewer leaves to the one that takes its place.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { handOver, heirOf, nextPlace, own, recall, remember } from '../../../mriinterp/ui/viewer/js/memory.js';
import { Reporter } from '../../../mriinterp/ui/viewer/js/reporter.js';

const viewer = (key, more = {}) => ({
  spec: { key }, settings: { opacity: 0.8 }, given: {}, begin: 1, cursor: [1, 2, 3], move: 0, reporter: { due: false }, ...more,
});

test('a viewer leaves its settings, and whether they are still to be reported', () => {
  const one = viewer('a', { reporter: { due: true } });
  own(one);
  remember(one);
  one.settings.opacity = 0.5;
  assert.deepEqual([recall('a').settings.opacity, recall('a').due], [0.5, true]);
  assert.equal(recall('b'), undefined);
});

test('a viewer that was replaced no longer speaks for its key', () => {
  const [old, young] = [viewer('c'), viewer('c', { settings: { opacity: 0.3 } })];
  own(old);
  remember(old);
  own(young);
  remember(young);
  remember(old);
  assert.equal(recall('c').settings.opacity, 0.3);
  assert.equal(heirOf(young), null);
  assert.equal(heirOf(old), young);
  young.begin = 2; // Python began anew: what was chosen before is void
  assert.equal(heirOf(old), null);
  Object.assign(young, { begin: 1, closed: true });
  assert.equal(heirOf(old), null);
});

test('what is chosen on a viewer that is about to go reaches the one in its place', () => {
  const asked = [];
  const follow = () => {};
  const young = viewer('d', {
    space: { inside: (at) => at }, viewport: { follow }, ask: (...work) => asked.push(work.length), report: (delay) => asked.push(delay),
  });
  const old = viewer('d', { settings: { opacity: 0.2 }, cursor: [4, 5, 6] });
  own(old);
  assert.equal(handOver(old, 400), false);
  own(young);
  assert.equal(handOver(old, 400), true);
  assert.deepEqual([young.settings.opacity, young.cursor, asked.at(-1)], [0.2, [4, 5, 6], 400]);
});

test('a report is due until it is sent', async () => {
  const sent = [];
  const reporter = new Reporter(() => ({ mm: 1 }));
  reporter.send = (report) => sent.push(report.mm);
  assert.equal(reporter.due, false);
  reporter.ask(1);
  assert.equal(reporter.due, true);
  await new Promise((done) => { setTimeout(done, 20); });
  assert.deepEqual([sent, reporter.due], [[1], false]);
  reporter.ask(1);
  reporter.close();
  await new Promise((done) => { setTimeout(done, 20); });
  assert.deepEqual([sent, reporter.due], [[1], true]); // the next viewer sends it
});

test('the crosshair of a scan whose map is on its way waits for the peak, unless somebody placed it', () => {
  const spec = { cursor: null, move: 0 };
  assert.deepEqual(nextPlace(undefined, spec, null), { asked: null, kept: null, waiting: true });
  const alone = { cursor: [5, 5, 5], move: 0, waiting: true };
  assert.equal(nextPlace(alone, spec, null).waiting, true);
  assert.deepEqual(nextPlace(alone, spec, [1, 2, 3]), { asked: null, kept: null, waiting: false });
  assert.deepEqual(nextPlace({ ...alone, waiting: false }, spec, [1, 2, 3]).kept, [5, 5, 5]);
  assert.deepEqual(nextPlace(alone, { cursor: [7, 7, 7], move: 1 }, null), { asked: [7, 7, 7], kept: null, waiting: false });
});
