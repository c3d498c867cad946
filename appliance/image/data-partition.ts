// The file systems beside the system: the model's, read-only, and an empty one for data.
// The model's is not compressed: quantised weights do not get smaller.
import { constants } from 'node:fs';
import { copyFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { StepOptions } from './build.js';
import { makeEmpty, makeSquashfs, runTool } from './debian-tools.js';

/** So large may the data get, in blocks of 4096 bytes: room for its tables is kept from the start. */
const MOST_BLOCKS = 2 ** 28;

/** Path of a squashfs with only the model in it, under its own name and readable by all. */
export async function modelPartition(
  model: string,
  { epoch, folder, signal }: StepOptions,
): Promise<string> {
  const image = path.join(folder, 'model.squashfs');
  const plain = ['-noI', '-noD', '-noF', '-noX', '-no-fragments', '-b', '1M'];
  const readable = ['-all-root', '-root-mode', '0755', '-action', 'chmod(0444)@type(f)'];
  const words = [await plainFile(model, folder), image, ...plain, ...readable];
  await makeSquashfs(words, epoch, { signal });
  return image;
}

/** mksquashfs takes a link for itself, and a model in a cache is mostly one to a file of another name. */
async function plainFile(model: string, folder: string): Promise<string> {
  const real = await realpath(model);
  if (path.basename(real) === path.basename(model)) return real;
  const copy = path.join(folder, path.basename(model));
  await copyFile(real, copy, constants.COPYFILE_FICLONE);
  return copy;
}

/** Path of an empty ext4 of `sizeBytes`. */
export async function dataPartition(
  { sizeBytes, uuid }: { sizeBytes: number; uuid: string },
  { epoch, folder, signal }: StepOptions,
): Promise<string> {
  const image = path.join(folder, 'data.ext4');
  await makeEmpty(image, sizeBytes);
  const shape = ['-b', '4096', '-i', '65536', '-m', '1', '-L', 'hearth-data', '-U', uuid];
  const extended = `hash_seed=${uuid},resize=${MOST_BLOCKS},lazy_itable_init=0,lazy_journal_init=0`;
  await runTool('mkfs.ext4', ['-q', '-F', ...shape, '-E', extended, image], {
    env: { E2FSPROGS_FAKE_TIME: `${epoch}`, SOURCE_DATE_EPOCH: `${epoch}` },
    signal,
  });
  return image;
}
