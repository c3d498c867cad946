// The bundles of the update test: good ones as a maker makes them, and ones that a maker should not
// have made, signed with the right key all the same.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  appendFile,
  cp,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { compatibleOf } from '../../../appliance/image/rauc-config.js';
import { addVerity } from '../../../appliance/image/verity.js';
import type { ImageTarget } from '../../../appliance/manifest.js';
import { UPDATE_KEYS } from '../../../appliance/update/update-keys.js';
import { runProgram } from '../../support/hearth.js';
import { packageRoot } from '../../support/samples.js';

const run = promisify(execFile);

/** A bundle that lies in its folder is taken. */
export type BundleMaker = {
  folder: string;
  /** folder of keys */
  keys: string;
  target: ImageTarget;
};

/** Where the bundle of a release is, or will be. */
export function bundleOf({ folder }: BundleMaker, release: string): string {
  return path.join(folder, `${release}.raucb`);
}

/** RAUC's name of the devices of this test, and the bundle's in a folder. */
export function compatibleWith(target: ImageTarget): string {
  return compatibleOf(target, { hasWifi: false, isSigned: false });
}

function signerOf(keys: string): string[] {
  const { signerCert, signerKey } = UPDATE_KEYS;
  return [`--cert=${path.join(keys, signerCert)}`, `--key=${path.join(keys, signerKey)}`];
}

/** Path of a bundle of `hearth update-bundle`, of the hearth in `root`. */
export async function goodBundle(
  maker: BundleMaker,
  release: string,
  words: string[],
  root = packageRoot,
): Promise<string> {
  const bundle = bundleOf(maker, release);
  const named = ['--target', maker.target, '--release', release, '-o', bundle, '--force'];
  const command = [process.execPath, path.join(root, 'dist/cli.js'), 'update-bundle'];
  const { status, stderr } = await runProgram([
    ...command,
    ...words,
    ...named,
    ...signerOf(maker.keys),
  ]);
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
  if (existsSync(bundleOf(maker, release))) return bundleOf(maker, release);
  const root = await unpackSystem(maker, good, ['usr/lib/hearth']);
  await writeFile(path.join(root, 'usr/lib/hearth/boot-files/initrd'), Buffer.alloc(4096, 0xa5));
  return await rawBundle(maker, release, { system: await squashSystem(root) });
}

/** A system whose engine ends at its first question. */
export async function crashingBundle(maker: BundleMaker, release: string, good: string) {
  const generate = 'server?.generate(message.id, message.request)';
  return await brokenEngineBundle(maker, release, { good, from: generate, to: 'process.abort()' });
}

/** A system whose engine says nothing when it is to decode a token, so that /health stays 503. */
export async function silentBundle(maker: BundleMaker, release: string, good: string) {
  return await brokenEngineBundle(maker, release, { good, from: 'answerCall(message)', to: '0' });
}

async function brokenEngineBundle(
  maker: BundleMaker,
  release: string,
  { good, from, to }: { good: string; from: string; to: string },
) {
  if (existsSync(bundleOf(maker, release))) return bundleOf(maker, release);
  const root = await unpackSystem(maker, good, []);
  const engine = path.join(root, 'opt/hearth/dist/runtime/engine/child/main.js');
  const text = await readFile(engine, 'utf8');
  if (!text.includes(from)) throw new Error(`${engine} has no ${from}`);
  await writeFile(engine, text.replace(from, to));
  return await rawBundle(maker, release, { system: await squashSystem(root, []) });
}

async function unpackSystem({ folder }: BundleMaker, bundle: string, paths: string[]) {
  const system = await unpackPart(bundle, 'system');
  const root = path.join(folder, 'unpacked');
  await rm(root, { recursive: true, force: true });
  await run('unsquashfs', ['-q', '-n', '-d', root, system, ...paths]);
  await rm(path.dirname(system), { recursive: true });
  return root;
}

/** A model that cannot be loaded, and nothing else. */
export async function brokenModelBundle(maker: BundleMaker, release: string) {
  const root = path.join(maker.folder, 'broken');
  await rm(root, { recursive: true, force: true });
  await mkdir(root);
  // RAUC makes no bundle of an image that is one block.
  const noise = randomBytes(1 << 16).toString('hex');
  const env = 'HEARTH_MODEL="/model/broken.gguf"\nHEARTH_CTX=512\n';
  for (const [name, text] of Object.entries({
    ...{ 'broken.gguf': `GGUF${noise}`, 'serve.env': env, name: 'broken\n' },
    release: `${release}\n`,
  }))
    await writeFile(path.join(root, name), text);
  return await rawBundle(maker, release, { model: await squash(root) });
}

/** A model's image of so many random bytes, of which no device has any. */
export async function noiseBundle(
  maker: BundleMaker,
  release: string,
  sizeBytes: number,
  options?: RawOptions,
) {
  const image = path.join(maker.folder, 'noise.img');
  await writeFile(image, randomBytes(sizeBytes));
  return await rawBundle(maker, release, { model: image }, options);
}

/** The same with another byte in its middle, where the image is. */
export async function flipByte(bundle: string): Promise<void> {
  await using file = await open(bundle, 'r+');
  const at = Math.floor((await file.stat()).size / 2);
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte[0] = (byte[0] as number) ^ 1;
  await file.write(byte, 0, 1, at);
}

async function squash(root: string, more: string[] = ['-all-root']): Promise<string> {
  const image = `${root}.img`;
  const quick = ['-comp', 'zstd', '-Xcompression-level', '1', '-quiet', '-no-progress'];
  await run('mksquashfs', [root, image, '-noappend', ...quick, ...more]);
  await rm(root, { recursive: true });
  return image;
}

async function squashSystem(root: string, more?: string[]): Promise<string> {
  const image = await squash(root, more);
  await addVerity(image);
  return image;
}

export type RawOptions = { compatible?: string; format?: string };

/** What RAUC makes of any images, whatever is in them. */
async function rawBundle(
  maker: BundleMaker,
  release: string,
  images: Record<string, string>,
  { compatible = compatibleWith(maker.target), format = 'verity' }: RawOptions = {},
): Promise<string> {
  const bundle = bundleOf(maker, release);
  const content = `${bundle}-content`;
  await rm(content, { recursive: true, force: true });
  await mkdir(content);
  const sections = ['[update]', `compatible=${compatible}`, `version=${release}`];
  sections.push('', '[bundle]', `format=${format}`);
  for (const [part, image] of Object.entries(images)) {
    await cp(image, path.join(content, `${part}.img`));
    sections.push('', `[image.${part}]`, `filename=${part}.img`);
    if (format === 'verity') sections.push('adaptive=block-hash-index');
  }
  await writeFile(path.join(content, 'manifest.raucm'), `${sections.join('\n')}\n`);
  await rm(`${bundle}.new`, { force: true });
  await run('rauc', ['bundle', ...signerOf(maker.keys), content, `${bundle}.new`]);
  await rename(`${bundle}.new`, bundle);
  await rm(content, { recursive: true });
  return bundle;
}
