// Files that hold what was said: readable by their owner alone, and there whole or not at all.
// Written beside the old one, flushed and renamed, so that a power cut leaves one of the two.
// Knows no format.
import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';

export const PRIVATE = 0o600;

/** Throws what the file system says, with the file's name. */
export async function writePrivateFile(filePath: string, text: string): Promise<void> {
  const temporary = `${filePath}.${randomBytes(4).toString('hex')}.part`;
  try {
    const handle = await open(temporary, 'wx', PRIVATE);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, filePath);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new Error(`${filePath} cannot be written: ${(cause as Error).message}`, { cause });
  }
}
