// Adds a LoRA to rows of a weight: W += scale · B·A, in float32 as peft's merge does.
// A matrix of a LoRA is small, so both are kept whole for as long as their tensor streams.
// Four ranks at a time: each pass over a row costs memory traffic, not arithmetic.
import type { LoraPair } from '../../model/checkpoint/lora/lora.js';
import type { TensorSource } from '../../model/checkpoint/tensor-source.js';
import type { SourceReader } from './source-reader.js';

export class LoraMerge {
  readonly #reader: SourceReader;
  #pair: LoraPair | null = null;
  /** `[rank, columns]` and `[rows, rank]`, as they are added to W. */
  #a: Float32Array = new Float32Array(0);
  #b: Float32Array = new Float32Array(0);
  #rank = 0;

  constructor(reader: SourceReader) {
    this.#reader = reader;
  }

  /** Adds the rows of scale · B·A from `firstRow` on to `weights`, whose rows are `stride` apart. */
  add(
    pair: LoraPair,
    { firstRow, nRows, nCols }: { firstRow: number; nRows: number; nCols: number },
    weights: Float32Array,
    stride: number,
  ): void {
    this.#load(pair);
    for (let row = 0; row < nRows; row++)
      addRow(
        weights.subarray(row * stride, row * stride + nCols),
        this.#b.subarray((firstRow + row) * this.#rank, (firstRow + row + 1) * this.#rank),
        this.#a,
      );
  }

  #load(pair: LoraPair): void {
    if (pair === this.#pair) return;
    const [a, b] = [this.#readMatrix(pair.a), this.#readMatrix(pair.b)];
    this.#rank = pair.a.shape[0] as number;
    // (B·A)ᵀ = Aᵀ·Bᵀ
    this.#a = pair.fanInFanOut ? transpose(b, this.#rank) : a;
    this.#b = pair.fanInFanOut ? transpose(a, pair.a.shape[1] as number) : b;
    this.#b = this.#b.map((value) => value * pair.scale);
    this.#pair = pair;
  }

  #readMatrix(source: TensorSource): Float32Array {
    const [nRows, nCols] = source.shape as [number, number];
    const matrix = new Float32Array(nRows * nCols);
    this.#reader.readRows(source, { firstRow: 0, nRows, nCols }, matrix, nCols);
    return matrix;
  }
}

/** `row += Σ factors[k] · a[k]` */
function addRow(row: Float32Array, factors: Float32Array, a: Float32Array): void {
  const n = row.length;
  let k = 0;
  for (; k + 4 <= factors.length; k += 4) {
    const [f0 = 0, f1 = 0, f2 = 0, f3 = 0] = factors.subarray(k, k + 4);
    const [a0, a1, a2, a3] = [k * n, (k + 1) * n, (k + 2) * n, (k + 3) * n];
    for (let i = 0; i < n; i++)
      row[i] =
        at(row, i) +
        (f0 * at(a, a0 + i) + f1 * at(a, a1 + i) + f2 * at(a, a2 + i) + f3 * at(a, a3 + i));
  }
  for (; k < factors.length; k++) {
    const factor = at(factors, k);
    for (let i = 0; i < n; i++) row[i] = at(row, i) + factor * at(a, k * n + i);
  }
}

function at(values: Float32Array, i: number): number {
  return values[i] as number;
}

/** `[n / nCols, nCols]` as `[nCols, n / nCols]` */
function transpose(matrix: Float32Array, nCols: number): Float32Array {
  const nRows = matrix.length / nCols;
  return matrix.map((_, i) => at(matrix, (i % nRows) * nCols + Math.floor(i / nRows)));
}
