// Pairs of a GGUF as the bytes that they are stored in, for a file that takes them over unchanged.
// @huggingface/gguf decodes text and drops a byte order mark, which is a token of Llama-2: so these
// bytes are never decoded. Every length is checked against the header. Knows no key.
import { open } from 'node:fs/promises';
import { type GgufFile, GgufFileError } from './gguf-file.js';
import type { GgufEntry, GgufMetadata } from './gguf-metadata.js';

/** The largest vocabularies take 20 MB. */
const MAX_HEADER_BYTES = 512 << 20;

/** The pairs whose keys start with `prefix`. Throws {@link GgufFileError}. */
export async function readStoredPairs(file: GgufFile, prefix: string): Promise<GgufMetadata> {
  const header = new HeaderCursor(file.path, await readHeader(file));
  const pairs: [key: string, GgufEntry][] = [];
  for (let left = header.start(); left > 0; left--) {
    const key = header.text();
    const start = header.offset;
    header.skipValue(header.u32());
    const value = header.since(start);
    if (key.startsWith(prefix)) pairs.push([key, { type: 'STORED', value }]);
  }
  // A stranger's keys become properties of the object, never its prototype.
  return Object.fromEntries(pairs);
}

async function readHeader({ path, dataOffset }: GgufFile): Promise<Buffer> {
  if (dataOffset > MAX_HEADER_BYTES)
    throw new GgufFileError(
      `${path} has a header of ${dataOffset} bytes; hearth takes over at most ${MAX_HEADER_BYTES}`,
    );
  const handle = await open(path, 'r');
  try {
    const header = Buffer.alloc(dataOffset);
    const { bytesRead } = await handle.read(header, 0, dataOffset, 0);
    return header.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Bytes of a value by its type's id; text and arrays tell their own length. */
const SCALAR_BYTES: Readonly<Record<number, number>> = {
  ...{ 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1 },
  ...{ 10: 8, 11: 8, 12: 8 },
};
const STRING = 8;
const ARRAY = 9;
const MAX_DEPTH = 4;

class HeaderCursor {
  offset = 0;
  readonly #path: string;
  readonly #bytes: Buffer;

  constructor(path: string, bytes: Buffer) {
    this.#path = path;
    this.#bytes = bytes;
  }

  /** Behind magic, version and counts; returns how many pairs follow. */
  start(): number {
    this.#take(16);
    return this.#size();
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  text(): string {
    const length = this.#size();
    const start = this.#take(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  since(start: number): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(start, this.offset));
  }

  skipValue(type: number, depth = 0): void {
    const scalarBytes = SCALAR_BYTES[type];
    if (scalarBytes !== undefined) this.#take(scalarBytes);
    else if (type === STRING) this.#take(this.#size());
    else if (type === ARRAY && depth < MAX_DEPTH) this.#skipArray(depth);
    else throw this.#broken(`has a value of the unknown type ${type}`);
  }

  #skipArray(depth: number): void {
    const type = this.u32();
    const count = this.#size();
    const scalarBytes = SCALAR_BYTES[type];
    if (scalarBytes !== undefined) this.#take(count * scalarBytes);
    else for (let i = 0; i < count; i++) this.skipValue(type, depth + 1);
  }

  #size(): number {
    return Number(this.#bytes.readBigUInt64LE(this.#take(8)));
  }

  /** Goes on by `length` bytes; returns where they start. */
  #take(length: number): number {
    const start = this.offset;
    if (length > this.#bytes.length - start) throw this.#broken('ends within its pairs');
    this.offset = start + length;
    return start;
  }

  #broken(problem: string): GgufFileError {
    return new GgufFileError(`${this.#path} ${problem} at byte ${this.offset}; it is damaged`);
  }
}
