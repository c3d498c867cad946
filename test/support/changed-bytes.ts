// What a device that has one image of a partition lacks of another one, in blocks as RAUC's index has them.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

const BLOCK_BYTES = 4096;

/** Of the blocks of `image` those that `old` has nowhere, each once. */
export async function changedBytes(old: string, image: string): Promise<number> {
  const known = new Set<string>();
  for await (const block of blocksOf(old)) known.add(block);
  const nKnown = known.size;
  for await (const block of blocksOf(image)) known.add(block);
  return (known.size - nKnown) * BLOCK_BYTES;
}

async function* blocksOf(image: string): AsyncGenerator<string> {
  await using file = await open(image);
  const block = Buffer.alloc(BLOCK_BYTES);
  for (let at = 0; ; at += BLOCK_BYTES) {
    const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, at);
    if (bytesRead === 0) return;
    yield createHash('sha1').update(block.subarray(0, bytesRead)).digest('base64');
  }
}
