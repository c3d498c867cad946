// node scripts/write-payload.mjs FOLDER [TARGET]: what a processor, this one unless named, needs to run
// hearth, as files in a folder.
// The same files as in a bundle of hearth pack, without a model; Containerfile copies them.
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { payload } from '../dist/appliance/payload/payload.js';

const [folder, target = `linux-${process.arch}`] = process.argv.slice(2);
if (folder === undefined) throw new Error('name a folder: node scripts/write-payload.mjs FOLDER');

const { files, packages } = await payload(target);
for (const { path: name, source, mode } of files) {
  const target = path.join(folder, name);
  await mkdir(path.dirname(target), { recursive: true });
  await copyFile(source, target);
  await chmod(target, mode);
}
process.stdout.write(`${files.length} files of ${packages.length} packages in ${folder}\n`);
