// A file that is there whole or not at all: written under a temporary name, flushed, renamed.
// What could go wrong at the end (no space, no right, a name in use) is looked for at the start.
import { type FileHandle, link, open, realpath, rename, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { removeLeftovers, temporaryPath } from './temporary-name.js';
import { formatDisk } from './units.js';

/** Thrown where the output cannot be written; the message is for the user. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
  readonly code = 'HEARTH_OUTPUT';

  constructor(filePath: string, problem: string, options?: ErrorOptions) {
    super(`${filePath}: ${problem}`, options);
  }
}

export type OutputFile = {
  /** Open for writing; `sizeBytes` long and all zeros, or empty. */
  handle: FileHandle;
  /** Where it lies until it has its name, for another process to write to. */
  temporaryPath: string;
  /** Flushes, and gives the file its name. */
  commit(): Promise<void>;
  /** Removes what was written; harmless after a commit. */
  discard(): Promise<void>;
};

/**
 * Opens the output `filePath` of `sizeBytes`, 0 where that is not known yet. Throws
 * {@link OutputError} where it is one of `inputs`, exists (unless `force`), is a folder, or cannot
 * be written there.
 */
export async function openOutput(
  filePath: string,
  {
    sizeBytes = 0,
    inputs,
    force = false,
  }: { sizeBytes?: number; inputs: readonly string[]; force?: boolean },
): Promise<OutputFile> {
  await checkOutput(filePath, inputs, force);
  await removeLeftovers(filePath);
  await checkSpace(filePath, sizeBytes);
  const temporary = temporaryPath(filePath);
  const handle = await open(temporary, 'wx').catch((cause: NodeJS.ErrnoException) => {
    const problem = `cannot be written (${cause.code}); allow it, or write elsewhere`;
    throw new OutputError(filePath, problem, { cause });
  });
  const file = temporaryFile(handle, { temporary, filePath, force });
  await handle.truncate(sizeBytes).catch(async (cause: NodeJS.ErrnoException) => {
    await file.discard();
    throw new OutputError(filePath, `cannot be written (${cause.code})`, { cause });
  });
  return file;
}

const DISK_PROBLEMS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space or write elsewhere',
  EDQUOT: 'the quota is used up; free some space or write elsewhere',
  EFBIG: 'the file is larger than its file system or limit allows',
  EIO: 'the disk failed while it was written',
};

/** What the disk refused, as an {@link OutputError}; other errors as they are. */
export function asOutputError(error: unknown, filePath: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const problem = code && DISK_PROBLEMS[code];
  return problem ? new OutputError(filePath, problem, { cause: error }) : error;
}

type Names = { temporary: string; filePath: string; force: boolean };

function temporaryFile(handle: FileHandle, { temporary, filePath, force }: Names): OutputFile {
  let isCommitted = false;
  return {
    handle,
    temporaryPath: temporary,
    async commit() {
      await handle.sync();
      await handle.close();
      if (force) await rename(temporary, filePath);
      else await takeName(temporary, filePath);
      isCommitted = true;
      await syncFolder(path.dirname(filePath));
    },
    async discard() {
      if (isCommitted) return;
      await handle.close().catch(() => {});
      await rm(temporary, { force: true });
    },
  };
}

/** Unless somebody has taken it meanwhile: a link is refused where a rename replaces. */
async function takeName(temporary: string, filePath: string): Promise<void> {
  try {
    await link(temporary, filePath);
  } catch {
    // Taken; or a file system without links, such as a stick's.
    await refuseExisting(filePath);
    await rename(temporary, filePath);
    return;
  }
  await rm(temporary);
}

async function checkOutput(
  filePath: string,
  inputs: readonly string[],
  force: boolean,
): Promise<void> {
  const folder = await stat(path.dirname(path.resolve(filePath))).catch(() => null);
  if (!folder?.isDirectory())
    throw new OutputError(filePath, 'its folder does not exist; make it first');
  const existing = await stat(filePath).catch(() => null);
  if (existing?.isDirectory()) throw new OutputError(filePath, 'is a folder; name a file in it');
  if (!existing) return;
  const target = await realpath(filePath);
  for (const input of inputs)
    if ((await realpath(input).catch(() => null)) === target)
      throw new OutputError(filePath, 'is one of the files that are read; choose another name');
  if (!existing.isFile()) throw new OutputError(filePath, 'is not a regular file');
  if (!force) await refuseExisting(filePath);
}

async function refuseExisting(filePath: string): Promise<void> {
  if (await stat(filePath).catch(() => null))
    throw new OutputError(filePath, 'exists already; pass --force to replace it');
}

async function checkSpace(filePath: string, sizeBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(path.dirname(path.resolve(filePath)));
  if (bavail * bsize < sizeBytes)
    throw new OutputError(
      filePath,
      `needs ${formatDisk(sizeBytes)}, but its disk has ${formatDisk(bavail * bsize)} free; free some space or write elsewhere`,
    );
}

/** So that the name is on the disk, too; not every file system can. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
