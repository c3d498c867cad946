// The work of converting in pieces: some rows of one tensor, small enough that a few are in memory.
// Plain data, cloned once into every worker; a piece is then an index into the list.
// Holds no weights.
import { rowSizeBytes } from '../../llama/ggml-types.js';
import type { LoraPair } from '../../model/checkpoint/lora/lora.js';
import type { TensorSource } from '../../model/checkpoint/tensor-source.js';
import type { PlannedTensor } from '../../model/types/quantise-plan.js';

/** One tensor: where its weights come from, what is done to them, where they go. */
export type TensorJob = {
  tensor: PlannedTensor;
  /** Null for zeros and given values. */
  source: TensorSource | null;
  lora: LoraPair | null;
  /** How much an error counts in each column of the source; null where nobody knows. */
  importance: Float32Array | null;
  /** Of the tensor's first row, in the output file. */
  offsetBytes: number;
};

/** Rows `[firstRow, firstRow + nRows)` of the job's tensor, as they are stored. */
export type Piece = { job: number; firstRow: number; nRows: number };

/** A piece holds about this many weights: 4 MiB in float32. */
const PIECE_WEIGHTS = 1 << 20;

/** The pieces of all jobs, in the order in which their sources lie in the files. */
export function cutIntoPieces(jobs: readonly TensorJob[]): Piece[] {
  const order = jobs.map((_, job) => job).sort((a, b) => bySource(jobs[a], jobs[b]));
  return order.flatMap((job) => cut(jobs[job] as TensorJob, job));
}

function bySource(a: TensorJob | undefined, b: TensorJob | undefined): number {
  const [x, y] = [a?.source, b?.source];
  if (!x || !y) return Number(Boolean(x)) - Number(Boolean(y));
  return x.filePath === y.filePath
    ? x.offsetBytes - y.offsetBytes
    : x.filePath < y.filePath
      ? -1
      : 1;
}

/** Pieces end between heads, inside of which rows change places; columns are picked of whole rows. */
function cut({ tensor, source }: TensorJob, job: number): Piece[] {
  const { nRows, nCols, permuteHeadSize = 1 } = tensor;
  const groupWeights = permuteHeadSize * Math.max(nCols, source?.columns?.of ?? 0);
  const step = Math.max(1, Math.floor(PIECE_WEIGHTS / groupWeights)) * permuteHeadSize;
  return Array.from({ length: Math.ceil(nRows / step) }, (_, i) => ({
    job,
    firstRow: i * step,
    nRows: Math.min(step, nRows - i * step),
  }));
}

/** Rows and columns of a source; a vector lies as its tensor does, along rows or columns. */
export function sourceShape(
  { shape }: TensorSource,
  { nCols, nDims }: PlannedTensor,
): { nRows: number; nCols: number } {
  const [first = 0, second = 1] = shape;
  if (nDims === 2) return { nRows: first, nCols: second };
  return nCols === 1 ? { nRows: first, nCols: 1 } : { nRows: 1, nCols: first };
}

/** Where a weight of the job's tensor lies in the stored one, of which picks may leave out some. */
export function storedPlace(
  { rows, columns }: TensorSource,
  { row, column }: { row: number; column: number },
): { row: number; column: number } {
  return { row: rows?.kept[row] ?? row, column: columns?.kept[column] ?? column };
}

/** Where the source's bytes end that `piece` needs, in its file. */
export function endOfPiece(source: TensorSource, tensor: PlannedTensor, piece: Piece): number {
  const { nRows, nCols } = sourceShape(source, tensor);
  const rowBytes = rowSizeBytes(source.dtype, source.columns?.of ?? nCols);
  const rows = Math.min(piece.firstRow + piece.nRows, nRows);
  const lastRow = storedPlace(source, { row: rows - 1, column: 0 }).row;
  return source.offsetBytes + (rows === 0 ? 0 : lastRow + 1) * rowBytes;
}
