// Whether the files that a conversion reads stay what they were: a checkpoint that another program writes
// meanwhile would become a file that is half of each, with a digest of neither.
import { stat } from 'node:fs/promises';
import { CheckpointError } from '../../model/checkpoint/checkpoint-error.js';

/** By path, what tells a file from any later one there. */
export type SourceFiles = ReadonlyMap<string, FileState>;

type FileState = { device: bigint; inode: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint };

/** Throws `CheckpointError` for one that is not there any more. */
export async function readSourceFiles(filePaths: readonly string[]): Promise<SourceFiles> {
  const states = filePaths.map(async (file) => [file, await stateOf(file)] as const);
  return new Map(await Promise.all(states));
}

/** Throws `CheckpointError` for the first that is another file now, or was written to. */
export async function checkUnchanged(files: SourceFiles): Promise<void> {
  for (const [file, before] of files) {
    const after = await stateOf(file);
    const fields = Object.keys(before) as (keyof FileState)[];
    if (fields.some((field) => before[field] !== after[field])) throw changed(file);
  }
}

async function stateOf(file: string): Promise<FileState> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return { device: dev, inode: ino, size, mtimeNs, ctimeNs };
  } catch (cause) {
    throw changed(file, cause);
  }
}

function changed(file: string, cause?: unknown): CheckpointError {
  return new CheckpointError(
    file,
    'the file changed while it was read; wait until nothing writes to it, and convert again',
    { cause },
  );
}
