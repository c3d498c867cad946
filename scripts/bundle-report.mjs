// Bundles script and style of the report of hearth compare into dist/bench/compare/report/page.
// One of each, unsplit and with their licences inside: the report inlines both into one file.
// Knows nothing of the report's contents.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const FOLDER = 'bench/compare/report/page';
const root = fileURLToPath(new URL('..', import.meta.url));

export async function bundleReport() {
  await build({
    absWorkingDir: root,
    entryPoints: [`${FOLDER}/page.ts`, `${FOLDER}/page.css`],
    outdir: path.join('dist', FOLDER),
    bundle: true,
    format: 'iife',
    target: ['es2022', 'chrome110', 'firefox115', 'safari16.4'],
    minify: true,
    legalComments: 'inline',
    logLevel: 'warning',
  });
}
