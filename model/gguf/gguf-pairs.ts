// Pairs of a GGUF as the bytes that they are stored in, for a file that takes them over unchanged: text need not
// be text, as a token may be half a character, so these bytes are never decoded. Knows no key.
import { open } from 'node:fs/promises';
import { type GgufFile, GgufFileError } from './gguf-file.js';
import type { GgufEntry, GgufMetadata } from './gguf-metadata.js';
import { HeaderCursor, HeaderError } from './header-cursor.js';

/** The pairs whose keys start with `prefix`. Throws {@link GgufFileError}. */
export async function readStoredPairs(file: GgufFile, prefix: string): Promise<GgufMetadata> {
  const header = new HeaderCursor(await readHeader(file));
  const pairs: [key: string, GgufEntry][] = [];
  try {
    header.skip(PAIR_COUNT_OFFSET);
    for (let left = header.size(); left > 0; left--) {
      const key = header.text();
      const start = header.offset;
      header.skipValue(header.u32());
      if (key.startsWith(prefix)) pairs.push([key, { type: 'STORED', value: header.since(start) }]);
    }
  } catch (cause) {
    if (!(cause instanceof HeaderError)) throw cause;
    throw new GgufFileError(`${file.path} is damaged: ${cause.message}`, { cause });
  }
  // A stranger's keys become properties of the object, never its prototype.
  return Object.fromEntries(pairs);
}

/** Behind magic, version and the count of tensors. */
const PAIR_COUNT_OFFSET = 16;

async function readHeader({ path, dataOffset, sizeBytes }: GgufFile): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    // Without tensors, nothing says that the file goes on to where their data would start.
    const header = Buffer.alloc(Math.min(dataOffset, sizeBytes));
    const { bytesRead } = await handle.read(header, 0, header.length, 0);
    return header.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
