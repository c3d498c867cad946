// The parts of an image that are written, each with its SHA-256, and the hashing of them while the
// image, or the disk, goes by from the start to the end.
// One rule for checking, writing and reading back, so that all three mean the same bytes.
import { createHash, type Hash } from 'node:crypto';
import type { BlockMap } from '../manifest.js';

/** Without a block map, errors name the place as exactly as this. */
const PIECE_BYTES = 64 << 20;

/** Half open, in bytes of the image. */
export type ImageSpan = { startBytes: number; endBytes: number };
export type HashedSpan = ImageSpan & { sha256: string };

/** What a block map lists; its last block may be cut by the end of the image. */
export function spansOfMap({ block_bytes, ranges }: BlockMap, sizeBytes: number): HashedSpan[] {
  return ranges.map(({ first, last, sha256 }) => ({
    startBytes: first * block_bytes,
    endBytes: Math.min((last + 1) * block_bytes, sizeBytes),
    sha256,
  }));
}

/** All of it, for an image without a map. */
export function spansOfAll(sizeBytes: number): ImageSpan[] {
  return Array.from({ length: Math.ceil(sizeBytes / PIECE_BYTES) }, (_, i) => ({
    startBytes: i * PIECE_BYTES,
    endBytes: Math.min((i + 1) * PIECE_BYTES, sizeBytes),
  }));
}

export type SpanData = { data: Buffer; startBytes: number };

/** Fed with consecutive data; says which parts of it lie in `spans`, which rise, and hashes these. */
export class SpanHashes {
  readonly #spans: readonly ImageSpan[];
  readonly #done: HashedSpan[] = [];
  #hash: Hash = createHash('sha256');
  #offset = 0;

  constructor(spans: readonly ImageSpan[]) {
    this.#spans = spans;
  }

  update(data: Buffer): SpanData[] {
    const parts: SpanData[] = [];
    const end = this.#offset + data.length;
    for (let span = this.#current(); span && span.startBytes < end; span = this.#current()) {
      const from = Math.max(span.startBytes, this.#offset);
      const to = Math.min(span.endBytes, end);
      const part = data.subarray(from - this.#offset, to - this.#offset);
      this.#hash.update(part);
      parts.push({ data: part, startBytes: from });
      if (to < span.endBytes) break;
      this.#done.push({ ...span, sha256: this.#hash.digest('hex') });
      this.#hash = createHash('sha256');
    }
    this.#offset = end;
    return parts;
  }

  /** Those that are complete. */
  get done(): readonly HashedSpan[] {
    return this.#done;
  }

  /** All there was data for; the last is cut where the data ended. */
  finish(): HashedSpan[] {
    const span = this.#current();
    if (!span || span.startBytes >= this.#offset) return this.#done;
    return [...this.#done, { ...span, endBytes: this.#offset, sha256: this.#hash.digest('hex') }];
  }

  #current(): ImageSpan | undefined {
    return this.#spans[this.#done.length];
  }
}
