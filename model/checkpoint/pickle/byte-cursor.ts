// A cursor over data.pkl that cannot leave it and limits how much text and bytes it hands out.
// Every read checks first; what is wrong is told with the position at which it was found.
// Knows the encodings of pickle's arguments, not its opcodes.
import { CheckpointError } from '../checkpoint-error.js';

/** Text and bytes that one pickle may decode, copies included. */
const MAX_DECODED_BYTES = 24 << 20;
/** A module or class name; Python's longest are under 200. */
const MAX_LINE_BYTES = 1024;
/** Bytes of an integer: enough for model_max_length = 10**30. */
const MAX_INTEGER_BYTES = 64;

export class ByteCursor {
  readonly #bytes: Buffer;
  readonly #filePath: string;
  #position = 0;
  #decodedBytes = 0;

  constructor(bytes: Buffer, filePath: string) {
    this.#bytes = bytes;
    this.#filePath = filePath;
  }

  fail(problem: string): never {
    throw new CheckpointError(
      this.#filePath,
      `data.pkl at byte ${this.#position}: ${problem}; the file is damaged or hostile`,
    );
  }

  uint8(): number {
    return this.#take(1).readUInt8();
  }

  uint16(): number {
    return this.#take(2).readUInt16LE();
  }

  uint32(): number {
    return this.#take(4).readUInt32LE();
  }

  int32(): number {
    return this.#take(4).readInt32LE();
  }

  /** An 8-byte length; lengths beyond the file are refused where they are used. */
  uint64(): number {
    return Number(this.#take(8).readBigUInt64LE());
  }

  float64(): number {
    return this.#take(8).readDoubleBE();
  }

  /** A little-endian two's complement integer of `length` bytes. */
  integer(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES) this.fail(`an integer of ${length} bytes`);
    const bigEndian = this.#take(length).toReversed();
    const unsigned = BigInt(`0x0${Buffer.from(bigEndian).toString('hex')}`);
    const value = BigInt.asIntN(8 * length, unsigned);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  /** Text up to a newline, without it. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#position);
    if (end < 0 || end - this.#position > MAX_LINE_BYTES) this.fail('a name without end');
    const text = this.text(end - this.#position);
    this.#position++;
    return text;
  }

  text(length: number): string {
    return this.bytes(length).toString('utf8');
  }

  /** A view, not a copy. */
  bytes(length: number): Buffer {
    this.spend(length);
    return this.#take(length);
  }

  /** Counts `length` bytes against what one pickle may decode. */
  spend(length: number): void {
    this.#decodedBytes += length;
    if (this.#decodedBytes > MAX_DECODED_BYTES)
      this.fail(`more than ${MAX_DECODED_BYTES} bytes of text`);
  }

  #take(length: number): Buffer {
    const end = this.#position + length;
    if (end > this.#bytes.length) this.fail(`${length} bytes expected behind the end of data.pkl`);
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }
}
