// The hearth command as one file and chunks of it that commands share, in place of what tsc made of cli.ts: finding
// and reading 140 modules of hearth's own and 40 of yargs is half of what a short command does. What hearth starts as
// a process or a thread, and what it imports by an address, stays what tsc made of it, and is found where it lies.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeLicences } from './bundled-licences.mjs';
import { NODE_BUNDLE } from './node-bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = path.join(root, 'dist');
const CHUNKS = path.join(target, 'chunks');
/** Stands for the way from a chunk, which nobody knows beforehand, to dist. */
const TO_DIST = '@hearth-dist@';

export async function bundleCommand() {
  const { dependencies } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const { metafile, outputFiles } = await build({
    ...NODE_BUNDLE,
    absWorkingDir: root,
    entryPoints: ['cli.ts'],
    outdir: target,
    chunkNames: 'chunks/[name]-[hash]',
    splitting: true,
    external: Object.keys(dependencies).filter((name) => name !== 'yargs'),
    plugins: [asFromDist],
    legalComments: 'none',
    metafile: true,
    write: false,
  });
  await rm(CHUNKS, { recursive: true, force: true });
  await mkdir(CHUNKS, { recursive: true });
  for (const { path: file, text } of outputFiles)
    await writeFile(
      file,
      text.replaceAll(TO_DIST, path.relative(path.dirname(file), target) || '.'),
    );
  await writeLicences(path.join(target, 'cli.licences.txt'), root, [metafile]);
}

/** hearth's modules find what lies beside them as if they were where tsc puts them. */
const asFromDist = {
  name: 'as-from-dist',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path: file }) => {
      const name = path.relative(root, file).replaceAll(path.sep, '/').replace(/ts$/, 'js');
      const place = `${TO_DIST}/${name}`;
      const source = await readFile(file, 'utf8');
      const contents = source
        .replaceAll('import.meta.url', `new URL('${place}', import.meta.url).href`)
        .replaceAll(
          'import.meta.dirname',
          `(import.meta.dirname + '/${path.posix.dirname(place)}')`,
        );
      return { contents, loader: 'ts' };
    });
  },
};
