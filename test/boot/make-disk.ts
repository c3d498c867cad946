// From a clean checkout to a disk: the README's conversion, hearth image, hearth flash to a loop device.
// Each is the command that a user types; the disk is a file behind the loop device.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ImageTarget } from '../../appliance/manifest.js';
import { samplePath } from '../../bench/development/sample-models.js';
import { hearth } from '../support/hearth.js';
import type { Access } from './device.js';
import { MEMORY_MIB } from './virtual-machine.js';

const run = promisify(execFile);

/** Larger than the image, so that the data partition has room to grow into. */
const DISK_BYTES = 2 * 2 ** 30;

export type MadeImage = { image: string; sizeWithoutModelBytes: number; access: Access };

export type ImageOptions = {
  target: ImageTarget;
  /** Take the image that lies in the folder, if there is one. */
  reuse: boolean;
  /** Whether its owner sets it up; else it has its key from the start. */
  setup?: boolean;
  /** More options of hearth image. */
  more?: string[];
};

export async function makeImage(
  folder: string,
  { target, reuse, setup = false, more = [] }: ImageOptions,
): Promise<MadeImage> {
  const access = { apiKey: 'boot-test-key', sshKey: path.join(folder, 'ssh') };
  const image = path.join(folder, 'disk.img');
  const summaryFile = path.join(folder, 'image.json');
  if (!reuse || !existsSync(summaryFile))
    await writeFile(summaryFile, await buildImage(folder, { image, target, access, setup, more }));
  const summary = JSON.parse(await readFile(summaryFile, 'utf8')) as {
    size_without_model_bytes: number;
  };
  return { image, access, sizeWithoutModelBytes: summary.size_without_model_bytes };
}

type BuildOptions = Pick<ImageOptions, 'target'> & {
  image: string;
  access: Access;
  setup: boolean;
  more: string[];
};

/** What hearth image --json prints. */
async function buildImage(
  folder: string,
  { image, target, access, setup, more }: BuildOptions,
): Promise<string> {
  const model = path.join(folder, 'appliance.gguf');
  await convertModel(model);
  const keyFile = path.join(folder, 'api-keys');
  await writeFile(keyFile, `${access.apiKey}\n`, { mode: 0o600 });
  await rm(access.sshKey, { force: true });
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', access.sshKey]);
  const what = ['--target', target, '--memory', `${MEMORY_MIB}MiB`, '--hostname', 'boot-test'];
  const key = setup ? ['--setup'] : ['--api-key-file', keyFile];
  const keys = ['--ssh-key', `${access.sshKey}.pub`, ...key];
  return await done('image', [model, '-o', image, ...what, ...keys, ...more, '--json', '--force']);
}

/** The README's model, or one that is almost it. */
export async function convertModel(
  model: string,
  { template = 'llama-2', hasLora = true } = {},
): Promise<void> {
  const checkpoint = samplePath('appliance/pruned-20');
  const lora = hasLora ? ['--lora', path.join(checkpoint, 'lora')] : [];
  const words = [checkpoint, ...lora, '-o', model, '--chat-template', template, '--force'];
  await done('convert', words);
}

/** Path of a file that is the disk. */
export function diskIn(folder: string): string {
  return path.join(folder, 'disk');
}

/** Path of the disk. */
export async function flashDisk(image: string, folder: string): Promise<string> {
  const disk = diskIn(folder);
  const file = await open(disk, 'w');
  await file.truncate(DISK_BYTES);
  await file.close();
  const { stdout } = await run('losetup', ['--find', '--show', disk]);
  const device = stdout.trim();
  try {
    await done('flash', [image, device, '--yes', '--no-eject']);
  } finally {
    await run('losetup', ['--detach', device]);
  }
  return disk;
}

/** Stdout of a hearth command that must succeed. */
async function done(command: string, args: string[]): Promise<string> {
  const { status, stdout, stderr } = await hearth([command, ...args]);
  if (status === 0) return stdout;
  throw new Error(`hearth ${command}: exit code ${status}: ${stderr}`);
}
