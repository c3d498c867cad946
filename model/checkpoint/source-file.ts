// Reads a stranger's file: whole when it is small, else exact ranges checked against its size.
// Nothing is allocated before the size is known, and only regular files are opened (no pipes).
// Does not know any format but JSON, which has limits of its own in bounded-json.ts.
import { type FileHandle, open, stat } from 'node:fs/promises';
import { formatDisk } from '../../terminal/units.js';
import { parseBoundedJson } from './bounded-json.js';
import { CheckpointError } from './checkpoint-error.js';

export type SourceFile = { path: string; sizeBytes: number; handle: FileHandle };

/** Largest config.json, adapter_config.json and the like; real ones are below 1 MB. */
const MAX_SMALL_JSON_BYTES = 4 << 20;

/** Opens `filePath`, hands it to `use` and closes it. Throws {@link CheckpointError}. */
export async function withSourceFile<T>(
  filePath: string,
  use: (file: SourceFile) => Promise<T>,
): Promise<T> {
  const sizeBytes = await sizeOf(filePath);
  const handle = await open(filePath, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw new CheckpointError(filePath, `cannot be opened (${cause.code})`, { cause });
  });
  try {
    return await use({ path: filePath, sizeBytes, handle });
  } finally {
    await handle.close();
  }
}

/** Exactly `length` bytes from `offset`; a range outside the file is a {@link CheckpointError}. */
export async function readRange(
  file: SourceFile,
  offset: number,
  length: number,
): Promise<Buffer<ArrayBuffer>> {
  const inside = offset >= 0 && length >= 0 && offset + length <= file.sizeBytes;
  if (!inside) throw truncated(file.path, offset + length, file.sizeBytes);
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.handle.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) throw truncated(file.path, offset + length, offset + done);
    done += bytesRead;
  }
  return bytes;
}

/** A whole file of at most `maxBytes`. */
export async function readWholeFile(
  filePath: string,
  maxBytes: number,
): Promise<Buffer<ArrayBuffer>> {
  return await withSourceFile(filePath, async (file) => {
    if (file.sizeBytes > maxBytes)
      throw new CheckpointError(
        filePath,
        `has ${formatDisk(file.sizeBytes)}; a file of this name has at most ${formatDisk(maxBytes)}`,
      );
    return await readRange(file, 0, file.sizeBytes);
  });
}

/** A JSON file whose top level is an object, within the limits of bounded-json.ts. */
export async function readJsonFile(
  filePath: string,
  maxBytes = MAX_SMALL_JSON_BYTES,
): Promise<Record<string, unknown>> {
  return parseBoundedJson(await readWholeFile(filePath, maxBytes), filePath);
}

/** Whether a regular file is there. */
export async function isFile(filePath: string): Promise<boolean> {
  return await stat(filePath).then(
    (stats) => stats.isFile(),
    () => false,
  );
}

async function sizeOf(filePath: string): Promise<number> {
  const stats = await stat(filePath).catch((cause: NodeJS.ErrnoException) => {
    const problem = cause.code === 'ENOENT' ? 'does not exist' : `cannot be read (${cause.code})`;
    throw new CheckpointError(filePath, problem, { cause });
  });
  if (!stats.isFile()) throw new CheckpointError(filePath, 'is not a regular file');
  return stats.size;
}

function truncated(filePath: string, needed: number, sizeBytes: number): CheckpointError {
  return new CheckpointError(
    filePath,
    `has ${sizeBytes} bytes where at least ${needed} were expected; it is truncated: copy or download it again`,
  );
}
