// Bundles script and style of the report of hearth compare into dist/bench/compare/report/page.
// One of each, unsplit and with their licences inside: the report inlines both into one file.
// Knows nothing of the report's contents.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { BROWSER_TARGETS } from './browser-targets.mjs';

const FOLDER = 'bench/compare/report/page';
const root = fileURLToPath(new URL('..', import.meta.url));

export async function bundleReport() {
  await build({
    absWorkingDir: root,
    entryPoints: [`${FOLDER}/page.ts`, `${FOLDER}/page.css`],
    outdir: path.join('dist', FOLDER),
    bundle: true,
    format: 'iife',
    target: BROWSER_TARGETS,
    minify: true,
    legalComments: 'inline',
    logLevel: 'warning',
  });
}
