// Where one tensor's bytes lie, so that weights stream later without being read now.
// Both formats, torch zips and safetensors, end in this one description.
// Holds no weights.
import { CheckpointError } from './checkpoint-error.js';

export type Dtype = 'F32' | 'F16' | 'BF16';

export const DTYPE_BYTES: Readonly<Record<Dtype, number>> = { F32: 4, F16: 2, BF16: 2 };

/** One contiguous, row-major, little-endian tensor inside a file. */
export type TensorSource = {
  name: string;
  dtype: Dtype;
  /** Outermost dimension first, as PyTorch prints it: `[rows, columns]`. */
  shape: number[];
  filePath: string;
  offsetBytes: number;
  sizeBytes: number;
};

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
