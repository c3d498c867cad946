// Bundles the pages of runtime/web into dist/runtime/web, every asset with its hash in its name.
// Hashed names let a server send assets with a long cache time; the pages themselves name them.
// It knows pages and assets only; which URL serves which page is the server's business.
import { createHash } from 'node:crypto';
import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { BROWSER_TARGETS } from './browser-targets.mjs';
import { writeLicences } from './bundled-licences.mjs';

const source = fileURLToPath(new URL('../runtime/web/', import.meta.url));
const target = fileURLToPath(new URL('../dist/runtime/web/', import.meta.url));

const PAGES = ['index.html', 'dashboard.html', 'setup.html'];
const MODULES = [
  'chat/chat.ts',
  'dashboard/dashboard.ts',
  'setup/setup.ts',
  'styles/chat.css',
  'styles/dashboard.css',
  'styles/math.css',
  'styles/setup.css',
];
/** In a scope of its own, so it shares no chunks with the pages. */
const WORKERS = ['chat/attachments/pdf-worker.ts'];
/** Runs while the page is parsed, so it cannot be a module. */
const BLOCKING_SCRIPTS = ['shared/early.ts'];
/** How the letters of PDFs in Chinese, Japanese and Korean are numbered; pdf.js asks for what it needs. */
const CMAPS = fileURLToPath(new URL('cmaps/', import.meta.resolve('pdfjs-dist/package.json')));

/** Of all bundles. */
const metafiles = [];

/** Writes the pages and assets afresh; what an earlier build left is removed. */
export async function bundleWeb() {
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  const modules = await bundle(MODULES, { format: 'esm', splitting: true });
  const workers = await bundle(WORKERS, { format: 'esm' });
  const scripts = await bundle(BLOCKING_SCRIPTS, { format: 'iife' });
  const assetOf = new Map([...modules, ...workers, ...scripts, ['cmaps/', await copyCmaps()]]);
  for (const page of PAGES) await writePage(page, assetOf);
  await copyFile(path.join(source, 'favicon.svg'), path.join(target, 'favicon.svg'));
  await writeLicences(path.join(target, 'licences.txt'), source, metafiles);
}

/** Maps each entry, as the pages name it, to its asset's path beside the pages. */
async function bundle(entryPoints, options) {
  const { metafile } = await build({
    absWorkingDir: source,
    entryPoints,
    outdir: path.join(target, 'assets'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    loader: { '.woff2': 'file' },
    plugins: [woff2Only],
    bundle: true,
    target: BROWSER_TARGETS,
    minify: true,
    metafile: true,
    legalComments: 'linked',
    logLevel: 'warning',
    ...options,
  });
  metafiles.push(metafile);
  const built = Object.entries(metafile.outputs).filter(([, output]) => output.entryPoint);
  return new Map(built.map(([file, { entryPoint }]) => [entryPoint, beside(file)]));
}

/** Every browser that the pages are built for has it; KaTeX names older forms of its fonts, too. */
const woff2Only = {
  name: 'woff2-only',
  setup({ onLoad }) {
    onLoad({ filter: /katex[^/]*\.css$/ }, async ({ path: file }) => {
      const css = await readFile(file, 'utf8');
      return {
        loader: 'css',
        contents: css.replaceAll(/,url\([^)]+\.(?:woff|ttf)\) ?format\([^)]+\)/g, ''),
      };
    });
  },
};

/** Named by their content, as all assets are. */
async function copyCmaps() {
  const hash = createHash('sha256');
  for (const name of (await readdir(CMAPS)).sort())
    hash.update(name).update(await readFile(path.join(CMAPS, name)));
  const folder = `assets/cmaps-${hash.digest('hex').slice(0, 8).toUpperCase()}/`;
  await cp(CMAPS, path.join(target, folder), { recursive: true });
  return folder;
}

function beside(outputFile) {
  return path.relative(target, path.join(source, outputFile)).replaceAll(path.sep, '/');
}

async function writePage(page, assetOf) {
  const html = await readFile(path.join(source, page), 'utf8');
  const linked = html.replaceAll(/"\.\/([\w/-]+\.(?:ts|css)|cmaps\/)"/g, (_, entry) => {
    const asset = assetOf.get(entry);
    if (!asset) throw new Error(`${page} names ${entry}, which is not an entry of bundle-web.mjs`);
    return `"${asset}"`;
  });
  await writeFile(path.join(target, page), linked);
}
