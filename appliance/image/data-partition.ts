// The file systems beside the system: of the settings and of the model, read-only, and an empty one for data.
// The model's is not compressed: quantised weights do not get smaller.
import { mkdir, open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { isAligned, writeAligned } from '../../model/gguf/align-gguf.js';
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import { printable } from '../../terminal/foreign-text.js';
import type { StepOptions } from './build.js';
import { MODEL_FOLDER } from './config-files.js';
import { makeEmpty, makeSquashfs, runTool } from './debian-tools.js';
import { file, lines, type SystemFile, writeSystemFiles } from './system-file.js';

/** So large may the data get, in blocks of 4096 bytes: room for its tables is kept from the start. */
const MOST_BLOCKS = 2 ** 28;

/** What an update compares: a block of weights that stays is a block of the partition that stays. */
const ALIGNMENT_BYTES = 4096;

export type ModelPartitionOptions = StepOptions & {
  /** tokens of context that the model is served with */
  nCtx: number;
  /** version of what it comes with */
  release: string;
};

/**
 * Path of a squashfs with the model in it, under its own name, and what hearth.service is told of it.
 * Its tensors lie at multiples of {@link ALIGNMENT_BYTES}, so that an update fetches only those that changed.
 */
export async function modelPartition(
  model: string,
  { nCtx, release, epoch, folder, signal }: ModelPartitionOptions,
): Promise<string> {
  const image = path.join(folder, 'model.squashfs');
  const plain = ['-noI', '-noD', '-noF', '-noX', '-no-fragments', '-b', '1M'];
  const readable = ['-all-root', '-root-mode', '0755', '-action', 'chmod(0444)@type(f)'];
  const beside = path.join(folder, 'beside-model');
  await writeSystemFiles(beside, modelFiles(path.basename(model), { nCtx, release }));
  const files = [
    await alignedFile(model, { folder, signal }),
    ...['name', 'release', 'serve.env'].map((name) => path.join(beside, name)),
  ];
  const words = [...files, image, ...plain, ...readable];
  await makeSquashfs(words, epoch, { signal });
  return image;
}

/** The name may hold anything: quoted for systemd, and else the whole of a file that is only ever printed. */
function modelFiles(
  name: string,
  { nCtx, release }: Pick<ModelPartitionOptions, 'nCtx' | 'release'>,
): SystemFile[] {
  const quoted = path.posix.join(MODEL_FOLDER, name).replace(/["\\$`]/g, '\\$&');
  return [
    file('release', lines([release])),
    file('serve.env', lines([`HEARTH_MODEL="${quoted}"`, `HEARTH_CTX=${nCtx}`])),
    file('name', lines([printable(name.replace(/\.gguf$/, '')).replaceAll('\n', ' ')])),
  ];
}

/** Path of a squashfs with these files, of which only root can read those that are its own. */
export async function settingsPartition(
  files: readonly SystemFile[],
  { epoch, folder, signal }: StepOptions,
): Promise<string> {
  const staging = path.join(folder, 'settings');
  await writeSystemFiles(staging, files);
  const image = path.join(folder, 'settings.squashfs');
  const owner = ['-all-root', '-root-mode', '0755'];
  await makeSquashfs([staging, image, ...owner], epoch, { signal });
  return image;
}

/** Under its own name, in a folder of its own; as it lies there if it is aligned already. */
async function alignedFile(
  model: string,
  { folder, signal }: Pick<StepOptions, 'folder' | 'signal'>,
): Promise<string> {
  const real = await realpath(model);
  const hasName = path.basename(real) === path.basename(model);
  if (hasName && isAligned(await readGgufFile(real), ALIGNMENT_BYTES)) return real;
  const copy = path.join(folder, 'model', path.basename(model));
  await mkdir(path.dirname(copy));
  await using target = await open(copy, 'wx');
  await writeAligned(real, target, { alignmentBytes: ALIGNMENT_BYTES, signal });
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
