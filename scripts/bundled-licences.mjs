// The licences of what esbuild has put into a bundle: most ask to go where the program goes.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

const PACKAGE = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//;

/** Those of the packages that `metafiles` name, as one text; their paths start at `root`. */
export async function writeLicences(target, root, metafiles) {
  const folders = new Map();
  for (const { inputs } of metafiles)
    for (const file of Object.keys(inputs)) {
      const [, folder, name] = PACKAGE.exec(file) ?? [];
      if (name) folders.set(name, path.resolve(root, folder));
    }
  const texts = [];
  for (const [name, folder] of [...folders].sort(([a], [b]) => (a < b ? -1 : 1)))
    texts.push(`${name}\n\n${await licenceOf(name, folder)}`);
  await writeFile(target, texts.join(`\n${'-'.repeat(80)}\n\n`));
}

async function licenceOf(name, folder) {
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  if (file) return await readFile(path.join(folder, file), 'utf8');
  throw new Error(`${name} is bundled, and its folder has no licence`);
}
