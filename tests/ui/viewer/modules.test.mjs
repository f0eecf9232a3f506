import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const FOLDER = new URL('../../../mriinterp/ui/viewer/js/', import.meta.url);
const NAMES = readdirSync(FOLDER);
const IMPORT = /^import\s+(?:\{([^}]*)\}|(\w+))\s+from\s+'(worker:)?\.\/(\w+\.js)';/gm;
const EXPORT = /^export (?:async )?(?:function|class|const) (\w+)/gm;

const modules = new Map(NAMES.map((name) => {
  const text = readFileSync(new URL(name, FOLDER), 'utf8');
  const imports = [...text.matchAll(IMPORT)].map(([, names, , , from]) => (
    { from, names: (names ?? '').split(',').map((one) => one.trim()).filter(Boolean) }));
  return [name, { text, imports, exports: [...text.matchAll(EXPORT)].map(([, one]) => one) }];
}));

test('modules import only modules that exist, and only what these export', () => {
  for (const [name, { text, imports }] of modules) {
    assert.equal(imports.length, text.match(/^import\b/gm)?.length ?? 0, `imports of ${name} are of one form`);
    for (const { from, names } of imports) {
      assert.ok(modules.has(from), `${name} imports ${from}`);
      for (const one of names) assert.ok(modules.get(from).exports.includes(one), `${name} imports ${one} of ${from}`);
    }
  }
});

test('no module imports itself by a circle', () => {
  const done = new Set();
  const visit = (name, way) => {
    assert.ok(!way.includes(name), `a circle: ${[...way, name].join(' → ')}`);
    if (done.has(name)) return;
    for (const { from } of modules.get(name).imports) visit(from, [...way, name]);
    done.add(name);
  };
  for (const name of NAMES) visit(name, []);
});

test('everything that is exported is imported by another module or by a test', () => {
  const tests = readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.test.mjs'));
  const tested = tests.map((name) => readFileSync(new URL(name, import.meta.url), 'utf8')).join('\n');
  const used = new Set([...modules.values()].flatMap(({ imports }) => imports.flatMap(({ names }) => names)));
  for (const [name, { exports }] of modules) {
    for (const one of exports) assert.ok(used.has(one) || tested.includes(one), `${name} exports ${one}, which nobody uses`);
  }
});

test('every module is part of a bundle', () => {
  const reached = new Set();
  const visit = (name) => {
    if (reached.has(name)) return;
    reached.add(name);
    modules.get(name).imports.forEach(({ from }) => visit(from));
  };
  ['viewer_entry.js', 'volume_entry.js', 'link_entry.js'].forEach(visit);
  assert.deepEqual(NAMES.filter((name) => !reached.has(name)), []);
});
