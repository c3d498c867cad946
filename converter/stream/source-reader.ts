// Reads rows of the checkpoint as float32, through buffers that are kept from piece to piece.
// Synchronous, because it runs in a worker whose only work this is.
// Does not change a weight.
import { closeSync, openSync, readSync } from 'node:fs';
import type { Kernels } from '../../llama/ggml-kernels.js';
import { CheckpointError } from '../../model/checkpoint/checkpoint-error.js';
import { DTYPE_BYTES, type TensorSource } from '../../model/checkpoint/tensor-source.js';

export class SourceReader {
  readonly #kernels: Kernels;
  readonly #files = new Map<string, number>();
  #bytes = new Uint8Array(0);

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  /**
   * Rows `[firstRow, firstRow + nRows)` of `source`, each `nCols` long there, into `target` at every
   * `stride` floats. What lies between is left as it is.
   */
  readRows(
    source: TensorSource,
    { firstRow, nRows, nCols }: { firstRow: number; nRows: number; nCols: number },
    target: Float32Array,
    stride: number,
  ): void {
    const rowBytes = nCols * DTYPE_BYTES[source.dtype];
    const bytes = this.#read(source, firstRow * rowBytes, nRows * rowBytes);
    if (stride === nCols) this.#toFloat(source, bytes, target, nRows * nCols);
    for (let row = 0; stride !== nCols && row < nRows; row++)
      this.#toFloat(
        source,
        bytes.subarray(row * rowBytes, (row + 1) * rowBytes),
        target.subarray(row * stride),
        nCols,
      );
  }

  close(): void {
    for (const file of this.#files.values()) closeSync(file);
    this.#files.clear();
  }

  #toFloat({ dtype }: TensorSource, bytes: Uint8Array, target: Float32Array, n: number): void {
    if (n === 0) return;
    if (dtype === 'F16') this.#kernels.fromF16(bytes, target, n);
    else if (dtype === 'BF16') this.#kernels.fromBf16(bytes, target, n);
    else new Uint8Array(target.buffer, target.byteOffset, 4 * n).set(bytes.subarray(0, 4 * n));
  }

  #read(source: TensorSource, offset: number, length: number): Uint8Array {
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length);
    const file = this.#open(source.filePath);
    for (let done = 0; done < length; ) {
      const position = source.offsetBytes + offset + done;
      const read = readSync(file, this.#bytes, done, length - done, position);
      if (read === 0)
        throw new CheckpointError(
          source.filePath,
          `${source.name}: ends at byte ${position}; the file changed while it was read`,
        );
      done += read;
    }
    return this.#bytes.subarray(0, length);
  }

  #open(filePath: string): number {
    const file = this.#files.get(filePath) ?? openSync(filePath, 'r');
    this.#files.set(filePath, file);
    return file;
  }
}
