// Files that hold what was said: readable only by their owner, and there whole or not at all.
// Written beside the old one, flushed and renamed, so that a power cut leaves one of the two.
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';

export const PRIVATE = 0o600;

/** Replaces a file by what `write` puts into a new one. Throws what went wrong, with the file's name. */
export async function replacePrivateFile<T>(
  filePath: string,
  write: (temporary: FileHandle, temporaryPath: string) => Promise<T>,
): Promise<T> {
  const temporary = `${filePath}.${randomBytes(4).toString('hex')}.part`;
  try {
    const handle = await open(temporary, 'wx', PRIVATE);
    const result = await write(handle, temporary)
      .then(async (written) => {
        await handle.sync();
        return written;
      })
      .finally(() => handle.close());
    await rename(temporary, filePath);
    return result;
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new Error(`${filePath} cannot be written: ${(cause as Error).message}`, { cause });
  }
}
