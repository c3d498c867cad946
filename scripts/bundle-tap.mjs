// tap as one file for the test files, which each load it: of its 260 modules, finding and reading them is most of
// what that takes. It lies where Node looks first from a compiled test, in dist/test/node_modules.
// What runs the test files is tap itself.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { NODE_BUNDLE } from './node-bundle.mjs';

const target = fileURLToPath(new URL('../dist/test/node_modules/tap/', import.meta.url));

export async function bundleTap() {
  await build({
    ...NODE_BUNDLE,
    entryPoints: [fileURLToPath(import.meta.resolve('tap'))],
    outfile: path.join(target, 'index.mjs'),
    // For what of it is CommonJS.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
  });
  await mkdir(target, { recursive: true });
  await writeFile(
    path.join(target, 'package.json'),
    '{ "name": "tap", "exports": "./index.mjs" }\n',
  );
}
