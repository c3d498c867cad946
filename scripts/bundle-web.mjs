// Bundles the pages of runtime/web into dist/runtime/web, every asset with its hash in its name.
// Hashed names let a server send assets with a long cache time; the pages themselves name them.
// It knows pages and assets only; which URL serves which page is the server's business.
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { BROWSER_TARGETS } from './browser-targets.mjs';

const source = fileURLToPath(new URL('../runtime/web/', import.meta.url));
const target = fileURLToPath(new URL('../dist/runtime/web/', import.meta.url));

const PAGES = ['index.html', 'dashboard.html'];
const MODULES = [
  'chat/chat.ts',
  'dashboard/dashboard.ts',
  'styles/chat.css',
  'styles/dashboard.css',
];
/** Runs while the page is parsed, so it cannot be a module. */
const BLOCKING_SCRIPTS = ['shared/early-theme.ts'];

/** Writes the pages and assets afresh; what an earlier build left is removed. */
export async function bundleWeb() {
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  const modules = await bundle(MODULES, { format: 'esm', splitting: true });
  const scripts = await bundle(BLOCKING_SCRIPTS, { format: 'iife' });
  const assetOf = new Map([...modules, ...scripts]);
  for (const page of PAGES) await writePage(page, assetOf);
  await copyFile(path.join(source, 'favicon.svg'), path.join(target, 'favicon.svg'));
}

/** Maps each entry, as the pages name it, to its asset's path beside the pages. */
async function bundle(entryPoints, options) {
  const { metafile } = await build({
    absWorkingDir: source,
    entryPoints,
    outdir: path.join(target, 'assets'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    target: BROWSER_TARGETS,
    minify: true,
    metafile: true,
    legalComments: 'linked',
    logLevel: 'warning',
    ...options,
  });
  const built = Object.entries(metafile.outputs).filter(([, output]) => output.entryPoint);
  return new Map(built.map(([file, { entryPoint }]) => [entryPoint, beside(file)]));
}

function beside(outputFile) {
  return path.relative(target, path.join(source, outputFile)).replaceAll(path.sep, '/');
}

async function writePage(page, assetOf) {
  const html = await readFile(path.join(source, page), 'utf8');
  const linked = html.replaceAll(/"\.\/([\w/-]+\.(?:ts|css))"/g, (_, entry) => {
    const asset = assetOf.get(entry);
    if (!asset) throw new Error(`${page} names ${entry}, which is not an entry of bundle-web.mjs`);
    return `"${asset}"`;
  });
  await writeFile(path.join(target, page), linked);
}
