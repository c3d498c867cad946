// Reads rows of the checkpoint as float32, through buffers that are kept from piece to piece.
// What pruning leaves out is passed over here: rows are not read, columns not handed on.
// Synchronous, because it runs in a worker whose only work this is. Does not change a weight.
import { closeSync, openSync, readSync } from 'node:fs';
import type { Kernels } from '../../llama/ggml-kernels.js';
import { rowSizeBytes } from '../../llama/ggml-types.js';
import { CheckpointError } from '../../model/checkpoint/checkpoint-error.js';
import type { Picks, TensorSource } from '../../model/checkpoint/tensor-source.js';

type Rows = { firstRow: number; nRows: number; nCols: number };

export class SourceReader {
  readonly #kernels: Kernels;
  readonly #files = new Map<string, number>();
  #bytes = new Uint8Array(0);
  /** One stored row, before its columns are picked. */
  #row = new Float32Array(0);

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  /**
   * Rows `[firstRow, firstRow + nRows)` of `source`, each `nCols` long, into `target` at every
   * `stride` floats. Of a source with picks, rows and columns are those picked. What lies between
   * is left as it is.
   */
  readRows(
    source: TensorSource,
    { firstRow, nRows, nCols }: Rows,
    target: Float32Array,
    stride: number,
  ): void {
    for (const run of storedRuns(source, firstRow, nRows))
      this.#readRun(source, { ...run, nCols }, target.subarray(run.place * stride), stride);
  }

  close(): void {
    for (const file of this.#files.values()) closeSync(file);
    this.#files.clear();
  }

  /** Rows that lie one behind the other in the file. */
  #readRun(source: TensorSource, rows: Rows, target: Float32Array, stride: number): void {
    const { firstRow, nRows, nCols } = rows;
    const storedCols = source.columns?.of ?? nCols;
    const rowBytes = rowSizeBytes(source.dtype, storedCols);
    const bytes = this.#read(source, firstRow * rowBytes, nRows * rowBytes);
    const isOneBlock = !source.columns && stride === nCols;
    if (isOneBlock) this.#toFloat(source, bytes, target, nRows * nCols);
    for (let row = 0; !isOneBlock && row < nRows; row++) {
      const stored = bytes.subarray(row * rowBytes, (row + 1) * rowBytes);
      const place = target.subarray(row * stride);
      if (source.columns) this.#gather(source, stored, source.columns, place);
      else this.#toFloat(source, stored, place, nCols);
    }
  }

  /** The picked columns of one row. */
  #gather(
    source: TensorSource,
    bytes: Uint8Array,
    { kept, of }: Picks,
    target: Float32Array,
  ): void {
    if (this.#row.length < of) this.#row = new Float32Array(of);
    const row = this.#row;
    this.#toFloat(source, bytes, row, of);
    for (let i = 0; i < kept.length; i++) target[i] = row[kept[i] as number] as number;
  }

  #toFloat({ dtype }: TensorSource, bytes: Uint8Array, target: Float32Array, n: number): void {
    if (n === 0) return;
    if (dtype === 'F16') this.#kernels.fromF16(bytes, target, n);
    else if (dtype === 'BF16') this.#kernels.fromBf16(bytes, target, n);
    else if (dtype !== 'F32') this.#kernels.fromBlocks(dtype, bytes, target, n);
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

/** Neighbours in the file, read in one go: `firstRow` there goes to row `place` of what is asked for. */
type Run = { firstRow: number; nRows: number; place: number };

function storedRuns({ rows }: TensorSource, firstRow: number, nRows: number): Run[] {
  if (!rows) return [{ firstRow, nRows, place: 0 }];
  const runs: Run[] = [];
  for (let place = 0; place < nRows; place++) {
    const stored = rows.kept[firstRow + place] as number;
    const last = runs.at(-1);
    if (last && last.firstRow + last.nRows === stored) last.nRows++;
    else runs.push({ firstRow: stored, nRows: 1, place });
  }
  return runs;
}
