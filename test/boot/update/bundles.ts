// The bundles of the update test: good ones as a maker makes them, and ones that a maker should not
// have made, signed with the right key all the same.
import { execFile } from 'node:child_process';
import { appendFile, cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { UPDATE_KEYS } from '../../../appliance/update/update-keys.js';
import { runProgram } from '../../support/hearth.js';
import { packageRoot } from '../../support/samples.js';

const run = promisify(execFile);

export type BundleMaker = {
  folder: string;
  /** folder of keys */
  keys: string;
};

const COMPATIBLE = 'hearth-x64-uefi';

function signerOf(keys: string): string[] {
  const { signerCert, signerKey } = UPDATE_KEYS;
  return [`--cert=${path.join(keys, signerCert)}`, `--key=${path.join(keys, signerKey)}`];
}

/** Path of a bundle of `hearth update-bundle`, of the hearth in `root`. */
export async function goodBundle(
  { folder, keys }: BundleMaker,
  release: string,
  words: string[],
  root = packageRoot,
): Promise<string> {
  const bundle = path.join(folder, `${release}.raucb`);
  const named = ['--target', 'x64-uefi', '--release', release, '-o', bundle, '--force'];
  const command = [process.execPath, path.join(root, 'dist/cli.js'), 'update-bundle'];
  const { status, stderr } = await runProgram([...command, ...words, ...named, ...signerOf(keys)]);
  if (status !== 0) throw new Error(`hearth update-bundle: exit code ${status}: ${stderr}`);
  return bundle;
}

/** A hearth of which one file is longer than in this one, and all else the same. */
export async function nextHearth(folder: string): Promise<string> {
  const root = path.join(folder, 'next-hearth');
  await rm(root, { recursive: true, force: true });
  await mkdir(root);
  for (const name of ['dist', 'package.json', 'LICENSE'])
    await cp(path.join(packageRoot, name), path.join(root, name), { recursive: true });
  await symlink(path.join(packageRoot, 'node_modules'), path.join(root, 'node_modules'));
  await appendFile(path.join(root, 'dist/runtime/server/server.js'), '\n// the next hearth\n');
  return root;
}

/** Path of the image of `part` in a bundle, taken out. */
export async function unpackPart(bundle: string, part: string): Promise<string> {
  const content = `${bundle}-content`;
  await rm(content, { recursive: true, force: true });
  await run('unsquashfs', ['-q', '-n', '-d', content, bundle, `${part}.img`]);
  return path.join(content, `${part}.img`);
}

/** A system that never gets as far as its own root: its initramfs is noise. */
export async function panickingBundle(maker: BundleMaker, release: string, good: string) {
  const root = await unpackSystem(maker, good, 'usr/lib/hearth');
  await writeFile(path.join(root, 'usr/lib/hearth/boot-files/initrd'), Buffer.alloc(4096, 0xa5));
  return await rawBundle(maker, release, { system: await squash(root) });
}

async function unpackSystem({ folder }: BundleMaker, bundle: string, below: string) {
  const system = await unpackPart(bundle, 'system');
  const root = path.join(folder, 'unpacked');
  await rm(root, { recursive: true, force: true });
  await run('unsquashfs', ['-q', '-n', '-d', root, system, below]);
  await rm(path.dirname(system), { recursive: true });
  return root;
}

async function squash(root: string): Promise<string> {
  const image = `${root}.img`;
  const quick = ['-comp', 'zstd', '-Xcompression-level', '1', '-quiet', '-no-progress'];
  await run('mksquashfs', [root, image, '-noappend', ...quick, '-all-root']);
  await rm(root, { recursive: true });
  return image;
}

/** What RAUC makes of any images, whatever is in them. */
async function rawBundle(
  { folder, keys }: BundleMaker,
  release: string,
  images: Record<string, string>,
): Promise<string> {
  const content = path.join(folder, `${release}-content`);
  await rm(content, { recursive: true, force: true });
  await mkdir(content);
  const sections = ['[update]', `compatible=${COMPATIBLE}`, `version=${release}`];
  sections.push('', '[bundle]', 'format=verity');
  for (const [part, image] of Object.entries(images)) {
    await cp(image, path.join(content, `${part}.img`));
    sections.push('', `[image.${part}]`, `filename=${part}.img`);
    sections.push('adaptive=block-hash-index');
  }
  await writeFile(path.join(content, 'manifest.raucm'), `${sections.join('\n')}\n`);
  const bundle = path.join(folder, `${release}.raucb`);
  await rm(bundle, { force: true });
  await run('rauc', ['bundle', ...signerOf(keys), content, bundle]);
  await rm(content, { recursive: true });
  return bundle;
}
