// One piece of a tensor from the checkpoint's bytes to the file's: read, merge, pad, reorder,
// check, quantise. Each step is a few lines over one float32 buffer.
// Does not schedule and does not write.
import type { Kernels } from '../../llama/ggml-kernels.js';
import { CheckpointError } from '../../model/checkpoint/checkpoint-error.js';
import type { PlannedTensor } from '../../model/types/quantise-plan.js';
import { LoraMerge } from './lora-merge.js';
import { SourceReader } from './source-reader.js';
import { type Piece, sourceShape, storedPlace, type TensorJob } from './tensor-job.js';

/** Beyond these a number becomes infinite in the type, or the scale of its block does. */
const LARGEST_F16 = 65504;
const LARGEST_F32 = 3.4028234663852886e38;

export class PieceConverter {
  readonly #kernels: Kernels;
  readonly #reader: SourceReader;
  readonly #merge: LoraMerge;
  #weights = new Float32Array(0);
  #reordered = new Float32Array(0);
  #output = new Uint8Array(0);
  #importance = new Float32Array(0);

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#reader = new SourceReader(kernels);
    this.#merge = new LoraMerge(this.#reader);
  }

  /** The piece's bytes, valid until the next call. Throws {@link CheckpointError} on NaN. */
  convert(job: TensorJob, piece: Piece): Uint8Array {
    const { tensor } = job;
    const n = piece.nRows * tensor.nCols;
    if (this.#weights.length < n) this.#weights = new Float32Array(n);
    const weights = this.#weights.subarray(0, n);
    this.#load(job, piece, weights);
    if (tensor.scale !== undefined) multiply(weights, tensor.scale);
    if (job.source) checkFinite(weights, job, piece);
    return this.#quantise(this.#reorder(weights, tensor), job, piece.nRows);
  }

  close(): void {
    this.#reader.close();
  }

  /** Rows and columns behind those of the source stay zero: that is the padding. */
  #load({ tensor, source, lora }: TensorJob, piece: Piece, weights: Float32Array): void {
    if (!source) {
      if (tensor.source instanceof Float32Array) weights.set(tensor.source);
      else weights.fill(0);
      return;
    }
    const shape = sourceShape(source, tensor);
    const nRows = Math.max(0, Math.min(piece.nRows, shape.nRows - piece.firstRow));
    if (nRows < piece.nRows || shape.nCols < tensor.nCols) weights.fill(0);
    const rows = { firstRow: piece.firstRow, nRows, nCols: shape.nCols };
    this.#reader.readRows(source, rows, weights, tensor.nCols);
    if (lora) this.#merge.add(lora, rows, weights, tensor.nCols);
  }

  /** Row `half · size/2 + j` of a head goes to row `2j + half`. */
  #reorder(weights: Float32Array, { permuteHeadSize, nCols }: PlannedTensor): Float32Array {
    if (permuteHeadSize === undefined) return weights;
    if (this.#reordered.length < weights.length) this.#reordered = new Float32Array(weights.length);
    const reordered = this.#reordered.subarray(0, weights.length);
    const pairs = permuteHeadSize / 2;
    for (let row = 0; row * nCols < weights.length; row++) {
      const inHead = row % permuteHeadSize;
      const [half, j] = [Math.floor(inHead / pairs), inHead % pairs];
      const target = row - inHead + 2 * j + half;
      reordered.set(weights.subarray(row * nCols, (row + 1) * nCols), target * nCols);
    }
    return reordered;
  }

  #quantise(weights: Float32Array, { tensor, importance }: TensorJob, rows: number): Uint8Array {
    const { type, sizeBytes, nRows, nCols } = tensor;
    const outputBytes = (sizeBytes / nRows) * rows;
    if (this.#output.length < outputBytes) this.#output = new Uint8Array(outputBytes);
    const output = this.#output.subarray(0, outputBytes);
    const columns = importance && this.#pad(importance, nCols);
    this.#kernels.toType(type, weights, output, rows, weights.length / rows, columns);
    return output;
  }

  /** An error in a column of padding counts nothing, so it draws no bits from its block. */
  #pad(importance: Float32Array, nCols: number): Float32Array {
    if (this.#importance.length < nCols) this.#importance = new Float32Array(nCols);
    const columns = this.#importance.subarray(0, nCols);
    columns.set(importance);
    columns.fill(0, importance.length);
    return columns;
  }
}

function multiply(weights: Float32Array, factor: number): void {
  for (let i = 0; i < weights.length; i++) weights[i] = (weights[i] as number) * factor;
}

function checkFinite(weights: Float32Array, { tensor, source, lora }: TensorJob, piece: Piece) {
  const largest = tensor.type === 'F32' || tensor.type === 'BF16' ? LARGEST_F32 : LARGEST_F16;
  let n = 0;
  // Without a branch: NaN fails the comparison, too.
  for (let i = 0; i < weights.length; i++) n += Number(Math.abs(weights[i] as number) <= largest);
  if (n === weights.length) return;
  const i = weights.findIndex((weight) => !(Math.abs(weight) <= largest));
  const place = { row: piece.firstRow + Math.floor(i / tensor.nCols), column: i % tensor.nCols };
  const { row, column } = source ? storedPlace(source, place) : place;
  const value = weights[i] as number;
  const advice = Number.isFinite(value)
    ? `too large for ${tensor.type}; convert with --type BF16`
    : `not a number that a model can compute with; ${lora ? 'the checkpoint or the LoRA' : 'the checkpoint'} is damaged or its training diverged`;
  throw new CheckpointError(
    source?.filePath ?? tensor.name,
    `${source?.name} has ${value} in row ${row}, column ${column}: ${advice}`,
  );
}
