// A GGUF again with its tensors at multiples of a larger alignment, its pairs and weights as they were.
// Blocks of weights then lie at the same places modulo a block whatever the header says, so that an
// update of a device finds them unchanged behind a longer chat template, say.
import { type FileHandle, open } from 'node:fs/promises';
import { type GgufFile, readGgufFile } from './gguf-file.js';
import { layOutShaped } from './gguf-header.js';
import { readStoredPairs } from './gguf-pairs.js';

const ALIGNMENT_KEY = 'general.alignment';
const CHUNK_BYTES = 4 << 20;

/** Whether it is so aligned already. */
export function isAligned({ metadata }: GgufFile, alignmentBytes: number): boolean {
  return Number(metadata[ALIGNMENT_KEY] ?? 0) % alignmentBytes === 0 && ALIGNMENT_KEY in metadata;
}

/**
 * Writes `source` to the empty file `target` with `general.alignment` of `alignmentBytes`, a power of
 * two. Throws GgufFileError for a source that is not a whole GGUF.
 */
export async function writeAligned(
  source: string,
  target: FileHandle,
  { alignmentBytes, signal }: { alignmentBytes: number; signal?: AbortSignal | undefined },
): Promise<void> {
  const file = await readGgufFile(source);
  const { [ALIGNMENT_KEY]: _, ...pairs } = await readStoredPairs(file, '');
  const aligned = { [ALIGNMENT_KEY]: { type: 'UINT32' as const, value: alignmentBytes }, ...pairs };
  const layout = layOutShaped(aligned, file.tensors, alignmentBytes);
  await target.truncate(layout.fileBytes);
  await target.write(layout.header, 0, layout.header.length, 0);
  await using weights = await open(source);
  for (const [i, { offsetBytes, sizeBytes }] of file.tensors.entries()) {
    const ends = { from: offsetBytes, to: layout.offsetsBytes[i] as number, sizeBytes };
    await copyRange(weights, target, { ...ends, signal });
  }
}

type Range = { from: number; to: number; sizeBytes: number; signal?: AbortSignal | undefined };

async function copyRange(
  source: FileHandle,
  target: FileHandle,
  { from, to, sizeBytes, signal }: Range,
): Promise<void> {
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, sizeBytes));
  for (let done = 0; done < sizeBytes; ) {
    signal?.throwIfAborted();
    const wanted = Math.min(chunk.length, sizeBytes - done);
    const { bytesRead } = await source.read(chunk, 0, wanted, from + done);
    if (bytesRead === 0) throw new Error('the model became shorter while it was read');
    await target.write(chunk, 0, bytesRead, to + done);
    done += bytesRead;
  }
}
