// The importance matrix as llama.cpp wrote it before it was a GGUF, usually imatrix.dat: int32 and
// float32 in a row, without a word that says what it is. Most of what is on the internet is one.
// Reads on only while what it finds may be one, so that another file is refused at its start.
import { type FileHandle, open } from 'node:fs/promises';
import {
  checkMeanSquares,
  type ImportanceMatrix,
  ImportanceMatrixError,
} from './importance-matrix.js';

/** llama.cpp's GGML_MAX_NAME. */
const LONGEST_NAME = 64;
const LONGEST_DATASET = 4096;

export async function readLegacyMatrix(filePath: string): Promise<ImportanceMatrix> {
  const handle = await open(filePath, 'r').catch((cause: Error) => {
    throw new ImportanceMatrixError(filePath, `cannot be read: ${cause.message}`, { cause });
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new ImportanceMatrixError(filePath, 'is not a file');
    return await readEntries(new Sequence(handle, filePath, stats.size));
  } finally {
    await handle.close();
  }
}

async function readEntries(sequence: Sequence): Promise<ImportanceMatrix> {
  const columns = new Map<string, Float32Array>();
  for (let left = await sequence.int32(1); left > 0; left--) {
    const name = await sequence.text(LONGEST_NAME);
    const nCalls = await sequence.int32(0);
    const sums = await sequence.floats(await sequence.int32(1));
    const means = nCalls > 0 ? sums.map((sum) => sum / nCalls) : sums;
    checkMeanSquares(means, JSON.stringify(name), sequence.filePath);
    columns.set(name, means);
  }
  const matrix = { columns, datasets: [], chunkCount: 0, chunkSize: 0 };
  // What follows is of later versions only.
  if (sequence.isDone) return matrix;
  const chunkCount = await sequence.int32(0);
  return { ...matrix, chunkCount, datasets: [await sequence.text(LONGEST_DATASET)] };
}

class Sequence {
  readonly filePath: string;
  readonly #handle: FileHandle;
  readonly #sizeBytes: number;
  #position = 0;

  constructor(handle: FileHandle, filePath: string, sizeBytes: number) {
    this.#handle = handle;
    this.filePath = filePath;
    this.#sizeBytes = sizeBytes;
  }

  get isDone(): boolean {
    return this.#position >= this.#sizeBytes;
  }

  async int32(min: number): Promise<number> {
    const value = Buffer.from(await this.#take(4)).readInt32LE();
    if (value < min) throw this.#error(`has ${value} at byte ${this.#position - 4}`);
    return value;
  }

  async text(longest: number): Promise<string> {
    const length = await this.int32(0);
    if (length > longest)
      throw this.#error(`has a name of ${length} bytes at byte ${this.#position}`);
    return Buffer.from(await this.#take(length)).toString();
  }

  async floats(n: number): Promise<Float32Array> {
    return new Float32Array((await this.#take(4 * n)).buffer);
  }

  async #take(nBytes: number): Promise<Uint8Array> {
    if (nBytes > this.#sizeBytes - this.#position)
      throw this.#error(`ends at byte ${this.#sizeBytes}, within what it says it holds`);
    const bytes = new Uint8Array(nBytes);
    for (let done = 0; done < nBytes; ) {
      const position = this.#position + done;
      const { bytesRead } = await this.#handle.read(bytes, done, nBytes - done, position);
      if (bytesRead === 0) throw this.#error('changed while it was read');
      done += bytesRead;
    }
    this.#position += nBytes;
    return bytes;
  }

  #error(problem: string): ImportanceMatrixError {
    return new ImportanceMatrixError(
      this.filePath,
      `is no importance matrix: it ${problem}; hearth calibrate and llama-imatrix make one`,
    );
  }
}
