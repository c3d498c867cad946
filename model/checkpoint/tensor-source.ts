// Where one tensor's bytes lie, so that weights stream later without being read now.
// All formats, torch zips, safetensors and GGUF, end in this one description.
// Holds no weights.
import type { AnyGgmlType } from '../../llama/ggml-types.js';
import { CheckpointError } from './checkpoint-error.js';

/** What checkpoints of PyTorch have; a GGUF may also have blocks. */
export type Dtype = 'F32' | 'F16' | 'BF16';

export const DTYPE_BYTES: Readonly<Record<Dtype, number>> = { F32: 4, F16: 2, BF16: 2 };

/** One contiguous, row-major, little-endian tensor inside a file. */
export type TensorSource = {
  name: string;
  dtype: AnyGgmlType;
  /** Outermost dimension first, as PyTorch prints it: `[rows, columns]`; of what is picked. */
  shape: number[];
  filePath: string;
  offsetBytes: number;
  /** As stored, with what is not picked. */
  sizeBytes: number;
  /** Which rows are read, in this order; all where there are no picks. A vector's are its elements. */
  rows?: Picks;
  columns?: Picks;
};

/** Places in the stored tensor, which has `of` of them. */
export type Picks = { kept: Int32Array; of: number };

/** `source` with `kept` of its rows, in that order; those of a source that has picks are its picks. */
export function pickRows(source: TensorSource, kept: Int32Array): TensorSource {
  const [count = 0, ...rest] = source.shape;
  return { ...source, shape: [kept.length, ...rest], rows: pick(source.rows, kept, count) };
}

/** `source`, a matrix, with `kept` of its columns, in that order. */
export function pickColumns(source: TensorSource, kept: Int32Array): TensorSource {
  const [rows = 0, count = 0] = source.shape;
  return { ...source, shape: [rows, kept.length], columns: pick(source.columns, kept, count) };
}

function pick(earlier: Picks | undefined, kept: Int32Array, count: number): Picks {
  if (!earlier) return { kept, of: count };
  return { kept: kept.map((place) => earlier.kept[place] as number), of: earlier.of };
}

/** No tensor of a language model has more dimensions; a file that claims more is hostile. */
const MAX_DIMENSIONS = 8;

/** The sizes in `value` as a shape. Throws {@link CheckpointError} unless they are sane counts. */
export function readShape(value: unknown, name: string, filePath: string): number[] {
  const valid = Array.isArray(value) && value.length <= MAX_DIMENSIONS && value.every(isCount);
  if (!valid || !Number.isSafeInteger(elementCount(value) * DTYPE_BYTES.F32))
    throw new CheckpointError(
      filePath,
      `${name}: the stored shape is not a list of up to ${MAX_DIMENSIONS} sizes; the file is damaged`,
    );
  return value;
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** A whole number from zero that is exact in a double. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** `[96, 128]` */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
