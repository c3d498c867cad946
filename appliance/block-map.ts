// Size, SHA-256 and block map of a raw image, in one reading, for its manifest.
// A block is left out only where it is empty and the builder says that nothing reads it: zeros that a
// file system counts on are written like anything else.
import { createHash, type Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { BlockMap } from './manifest.js';

/** Partitions are aligned to as much, and a card writes no less at a time. */
const BLOCK_BYTES = 1 << 20;

/** Half open, as offsets into the image. */
export type ByteRange = { startBytes: number; endBytes: number };

export type ImageSurvey = { size_bytes: number; sha256: string; block_map: BlockMap };

/**
 * Reads the image `file`. Blocks that lie wholly in a range of `free` and hold only zeros are left
 * out of the map; `free` is what nothing reads before writing it, an empty slot for example.
 */
export async function surveyImage(
  file: string,
  { free = [], signal }: { free?: ByteRange[]; signal?: AbortSignal | undefined } = {},
): Promise<ImageSurvey> {
  const whole = createHash('sha256');
  const ranges: { first: number; last: number; hash: Hash }[] = [];
  let sizeBytes = 0;
  for await (const block of blocksOf(file)) {
    signal?.throwIfAborted();
    whole.update(block);
    const index = sizeBytes / BLOCK_BYTES;
    const start = sizeBytes;
    sizeBytes += block.length;
    const isFree = free.some((range) => range.startBytes <= start && sizeBytes <= range.endBytes);
    if (isFree && block.equals(ZEROS.subarray(0, block.length))) continue;
    const last = ranges.at(-1);
    const range =
      last?.last === index - 1 ? last : { first: index, last: index, hash: createHash('sha256') };
    if (range !== last) ranges.push(range);
    range.last = index;
    range.hash.update(block);
  }
  const hashed = ranges.map(({ hash, ...range }) => ({ ...range, sha256: hash.digest('hex') }));
  return {
    size_bytes: sizeBytes,
    sha256: whole.digest('hex'),
    block_map: { block_bytes: BLOCK_BYTES, ranges: hashed },
  };
}

async function* blocksOf(file: string): AsyncGenerator<Buffer> {
  await using handle = await open(file);
  const block = Buffer.alloc(BLOCK_BYTES);
  for (;;) {
    let filled = 0;
    while (filled < block.length) {
      const { bytesRead } = await handle.read(block, filled, block.length - filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (filled > 0) yield block.subarray(0, filled);
    if (filled < block.length) return;
  }
}

const ZEROS = Buffer.alloc(BLOCK_BYTES);
