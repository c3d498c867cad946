// A text that the user names: whole, UTF-8, and no larger than what is asked for.
// A file of another kind is told, not read as mojibake.
import { open } from 'node:fs/promises';
import { formatDisk } from './units.js';

/** Without a byte order mark. Throws what is wrong with the file, by its name. */
export async function readTextFile(file: string, maxBytes: number): Promise<string> {
  const bytes = await readAtMost(file, maxBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`${file} is not UTF-8 text; name a file of text, or store it as UTF-8`);
  }
}

async function readAtMost(file: string, maxBytes: number): Promise<Buffer> {
  const handle = await open(file, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`${file} cannot be read (${cause.code})`, { cause });
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new Error(`${file} is not a file`);
    if (stats.size > maxBytes)
      throw new Error(`${file} has ${formatDisk(stats.size)}, of at most ${formatDisk(maxBytes)}`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
