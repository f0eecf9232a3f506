// Bundles the modules of js/ into bundle/, which Python sends to the browser. `node build.js FOLDER` writes elsewhere.

import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const HERE = dirname(fileURLToPath(import.meta.url));
const COMMON = { bundle: true, minify: true, target: 'es2022', charset: 'utf8', lineLimit: 160, logLevel: 'warning' };

// `import source from 'worker:./entry.js'`: the bundled source of a worker as a string, for a Blob.
const workerSource = {
  name: 'worker-source',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^worker:/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path.slice('worker:'.length)), namespace: 'worker',
    }));
    onLoad({ filter: /.*/, namespace: 'worker' }, async ({ path }) => {
      const { outputFiles } = await build({ ...COMMON, entryPoints: [path], format: 'iife', write: false });
      return { contents: outputFiles[0].text, loader: 'text' };
    });
  },
};

const folder = resolve(process.argv[2] ?? join(HERE, 'bundle'));
await mkdir(folder, { recursive: true });
await build({
  ...COMMON,
  entryPoints: Object.fromEntries(['viewer', 'volume', 'link'].map((name) => [name, join(HERE, `js/${name}_entry.js`)])),
  format: 'esm',
  outdir: folder,
  plugins: [workerSource],
  banner: { js: '// Made from ../js by `npm run build`; not to be edited.' },
});
