// Reads the beginning of a GGUF in order: numbers, texts and typed values. Every length is held to the bytes
// that are there before anything is made of it, and text keeps a byte order mark, which is a token of Llama-2.
// Knows no key and opens no file.
import { GGUF_VALUE_TYPES, type GgufValue } from './gguf-value.js';

/** Says what is wrong with the bytes, not of which file they are. */
export class HeaderError extends Error {}

/** The bytes end too early: a longer beginning of the file may hold the rest. */
export class HeaderEndError extends HeaderError {}

type Scalar = { bytes: number; read: (bytes: Buffer, offset: number) => number | bigint | boolean };

const { STRING, ARRAY } = GGUF_VALUE_TYPES;
type ScalarType = Exclude<keyof typeof GGUF_VALUE_TYPES, 'STRING' | 'ARRAY'>;

const READERS: Record<ScalarType, Scalar> = {
  UINT8: { bytes: 1, read: (bytes, offset) => bytes.readUInt8(offset) },
  INT8: { bytes: 1, read: (bytes, offset) => bytes.readInt8(offset) },
  UINT16: { bytes: 2, read: (bytes, offset) => bytes.readUInt16LE(offset) },
  INT16: { bytes: 2, read: (bytes, offset) => bytes.readInt16LE(offset) },
  UINT32: { bytes: 4, read: (bytes, offset) => bytes.readUInt32LE(offset) },
  INT32: { bytes: 4, read: (bytes, offset) => bytes.readInt32LE(offset) },
  FLOAT32: { bytes: 4, read: (bytes, offset) => bytes.readFloatLE(offset) },
  BOOL: { bytes: 1, read: (bytes, offset) => bytes.readUInt8(offset) !== 0 },
  UINT64: { bytes: 8, read: (bytes, offset) => narrow(bytes.readBigUInt64LE(offset)) },
  INT64: { bytes: 8, read: (bytes, offset) => narrow(bytes.readBigInt64LE(offset)) },
  FLOAT64: { bytes: 8, read: (bytes, offset) => bytes.readDoubleLE(offset) },
};

const BY_ID = new Map(
  Object.entries(READERS).map(([name, reader]): [number, Scalar] => [
    GGUF_VALUE_TYPES[name as ScalarType],
    reader,
  ]),
);

const MAX_DEPTH = 4;

export class HeaderCursor {
  offset = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  skip(length: number): void {
    this.#take(length);
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /** An unsigned 64-bit number; beyond 2^53, where no size can be, about that. */
  size(): number {
    const start = this.#take(8);
    return this.#bytes.readUInt32LE(start) + 2 ** 32 * this.#bytes.readUInt32LE(start + 4);
  }

  text(): string {
    const length = this.size();
    const start = this.#take(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  /** A value of the type with this id. */
  value(type: number, depth = 0): GgufValue {
    const scalar = BY_ID.get(type);
    if (scalar) return scalar.read(this.#bytes, this.#take(scalar.bytes));
    if (type === STRING) return this.text();
    if (type === ARRAY && depth < MAX_DEPTH) return this.#array(depth);
    throw this.#unknown(type);
  }

  /** Goes on behind such a value, of which nothing is made. */
  skipValue(type: number, depth = 0): void {
    const scalar = BY_ID.get(type);
    if (scalar) this.#take(scalar.bytes);
    else if (type === STRING) this.#take(this.size());
    else if (type === ARRAY && depth < MAX_DEPTH) this.#skipArray(depth);
    else throw this.#unknown(type);
  }

  /** A copy of the bytes from `start` to here. */
  since(start: number): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(start, this.offset));
  }

  #array(depth: number): GgufValue[] {
    const [type, count] = [this.u32(), this.size()];
    const values: GgufValue[] = [];
    const scalar = BY_ID.get(type);
    if (!scalar) {
      for (let i = 0; i < count; i++) values.push(this.value(type, depth + 1));
      return values;
    }
    let offset = this.#take(count * scalar.bytes);
    for (let i = 0; i < count; i++, offset += scalar.bytes)
      values.push(scalar.read(this.#bytes, offset));
    return values;
  }

  #skipArray(depth: number): void {
    const [type, count] = [this.u32(), this.size()];
    const scalar = BY_ID.get(type);
    if (scalar) this.#take(count * scalar.bytes);
    else for (let i = 0; i < count; i++) this.skipValue(type, depth + 1);
  }

  /** Goes on by `length` bytes; returns where they start. */
  #take(length: number): number {
    const start = this.offset;
    if (length > this.#bytes.length - start)
      throw new HeaderEndError(`it ends too early, at byte ${this.#bytes.length}`);
    this.offset = start + length;
    return start;
  }

  #unknown(type: number): HeaderError {
    return new HeaderError(`there is a value of the unknown type ${type} at byte ${this.offset}`);
  }
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
