// The inverse of a symmetric positive definite matrix, by halves: A⁻¹ of [[A, Bᵀ], [B, C]] follows from
// the inverses of A and of the Schur complement C - B·A⁻¹·Bᵀ. All but blocks of 64 is then products of
// matrices, which ggml computes: an inverse of 8,800 by plain loops would take an hour.
import type { Multiply } from './least-squares.js';
import { addScaled, type Matrix, pick, range, rowOf, transpose, zeros } from './matrix.js';

/** Smaller ones are inverted by plain loops. */
const SMALL = 64;

/** Not positive definite, up to what float32 can tell: it needs a larger ridge. */
export class SingularError extends Error {
  override name = 'SingularError';
}

/** Throws {@link SingularError}. */
export async function invert(matrix: Matrix, multiply: Multiply): Promise<Matrix> {
  const n = matrix.nRows;
  if (n <= SMALL) return invertSmall(matrix);
  const half = Math.ceil(n / 2 / SMALL) * SMALL;
  const [upper, lower] = [range(0, half), range(half, n)];
  const b = pick(matrix, lower, upper);
  const inverseA = await invert(pick(matrix, upper, upper), multiply);
  // Symmetric, so A⁻¹ is its own transpose: B·A⁻¹.
  const t = await multiply(b, inverseA);
  const complement = pick(matrix, lower, lower);
  addScaled(complement, await multiply(t, b), -1);
  const inverseC = await invert(complement, multiply);
  const turned = transpose(t);
  // C⁻¹·T, whose negative is the lower left part.
  const corner = await multiply(inverseC, turned);
  addScaled(inverseA, await multiply(turned, transpose(corner)), 1);
  return assemble(inverseA, corner, inverseC);
}

/** `corner` is the negative of the lower left part. */
function assemble(a: Matrix, corner: Matrix, c: Matrix): Matrix {
  const whole = zeros(a.nRows + c.nRows, a.nRows + c.nRows);
  for (let i = 0; i < a.nRows; i++) rowOf(whole, i).set(rowOf(a, i));
  for (let i = 0; i < c.nRows; i++) {
    const row = rowOf(whole, a.nRows + i);
    row.set(rowOf(corner, i).map((value) => -value));
    row.set(rowOf(c, i), a.nRows);
    for (let j = 0; j < a.nRows; j++) whole.data[j * whole.nCols + a.nRows + i] = row[j] as number;
  }
  return whole;
}

/** By Gauss and Jordan in double precision; the pivots of a positive definite matrix are positive. */
function invertSmall({ nRows: n, data }: Matrix): Matrix {
  const a = Float64Array.from(data);
  for (let k = 0; k < n; k++) {
    const pivot = a[k * n + k] as number;
    if (!(pivot > 0)) throw new SingularError(`pivot ${k} of ${n} is ${pivot}`);
    a[k * n + k] = 1;
    for (let j = 0; j < n; j++) a[k * n + j] = (a[k * n + j] as number) / pivot;
    for (let i = 0; i < n; i++) if (i !== k) eliminate(a, n, i, k);
  }
  return { nRows: n, nCols: n, data: Float32Array.from(a) };
}

function eliminate(a: Float64Array, n: number, i: number, k: number): void {
  const factor = a[i * n + k] as number;
  a[i * n + k] = 0;
  for (let j = 0; j < n; j++)
    a[i * n + j] = (a[i * n + j] as number) - factor * (a[k * n + j] as number);
}
