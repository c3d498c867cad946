// The inverse of a symmetric positive definite matrix M, by Cholesky's factor L and halves of it: of
// [[A, Bᵀ], [B, C]] the factor's lower left is T = B·L_A⁻ᵀ and its lower right that of C - T·Tᵀ. All but
// blocks of 64 is then products of matrices, which ggml computes: an inverse of 8,800 by plain loops would
// take an hour. What float32 rounds off grows by the factor's condition, the root of M's: halves of the
// inverse itself lose matrices of which a text has fewer tokens than columns. Half of every factor is zeros,
// and products leave out what they can of it.
import type { Multiply } from './least-squares.js';
import { addScaled, block, type Matrix, rowOf, transpose, zeros } from './matrix.js';

/** Smaller ones are inverted by plain loops. */
const SMALL = 64;

/** Not positive definite, up to what float32 can tell: it needs a larger ridge. */
export class SingularError extends Error {
  override name = 'SingularError';
}

/** Throws {@link SingularError}. */
export async function invert(matrix: Matrix, multiply: Multiply): Promise<Matrix> {
  return await squareOf(await invertFactor(matrix, multiply), multiply);
}

/** Smaller ones are multiplied with their zeros, as calls would take longer than these do. */
const SMALL_SQUARE = 512;

/** FᵀF of a lower triangular F: of [[P, 0], [Q, R]] it is [[PᵀP + QᵀQ, QᵀR], [RᵀQ, RᵀR]]. */
async function squareOf(factor: Matrix, multiply: Multiply): Promise<Matrix> {
  const n = factor.nRows;
  if (n <= SMALL_SQUARE) {
    const turned = transpose(factor);
    return await multiply(turned, turned);
  }
  const half = Math.ceil(n / 2);
  const corner = transpose(block(factor, [half, n], [0, half]));
  const first = await squareOf(block(factor, [0, half], [0, half]), multiply);
  addScaled(first, await multiply(corner, corner), 1);
  const end = block(factor, [half, n], [half, n]);
  const between = await multiply(transpose(end), corner);
  const whole = zeros(n, n);
  place(whole, first, 0, 0);
  place(whole, between, first.nRows, 0);
  place(whole, transpose(between), 0, first.nRows);
  place(whole, await squareOf(end, multiply), first.nRows, first.nRows);
  return whole;
}

/** L⁻¹ of M = L·Lᵀ; zeros above the diagonal. Throws {@link SingularError}. */
export async function invertFactor(matrix: Matrix, multiply: Multiply): Promise<Matrix> {
  const n = matrix.nRows;
  if (n <= SMALL) return invertSmallFactor(matrix);
  const half = Math.ceil(n / 2 / SMALL) * SMALL;
  const first = await invertFactor(block(matrix, [0, half], [0, half]), multiply);
  const t = await multiply(block(matrix, [half, n], [0, half]), first);
  const complement = block(matrix, [half, n], [half, n]);
  addScaled(complement, await multiply(t, t), -1);
  const second = await invertFactor(complement, multiply);
  const corner = await multiply(await multiply(second, transpose(t)), transpose(first));
  const whole = zeros(n, n);
  place(whole, first, 0, 0);
  place(whole, { ...corner, data: corner.data.map((value) => -value) }, half, 0);
  place(whole, second, half, half);
  return whole;
}

function place(whole: Matrix, part: Matrix, top: number, left: number): void {
  for (let i = 0; i < part.nRows; i++) rowOf(whole, top + i).set(rowOf(part, i), left);
}

/** In double precision; the pivots of a positive definite matrix are positive. */
function invertSmallFactor({ nRows: n, data }: Matrix): Matrix {
  const factor = new Float64Array(n * n);
  const inverse = new Float64Array(n * n);
  const at = (values: Float64Array, i: number, j: number) => values[i * n + j] as number;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = data[i * n + j] as number;
      for (let k = 0; k < j; k++) rest -= at(factor, i, k) * at(factor, j, k);
      if (i === j && !(rest > 0)) throw new SingularError(`pivot ${i} of ${n} is ${rest}`);
      factor[i * n + j] = i === j ? Math.sqrt(rest) : rest / at(factor, j, j);
    }
    for (let j = 0; j <= i; j++) {
      let rest = Number(i === j);
      for (let k = j; k < i; k++) rest -= at(factor, i, k) * at(inverse, k, j);
      inverse[i * n + j] = rest / at(factor, i, i);
    }
  }
  return { nRows: n, nCols: n, data: Float32Array.from(inverse) };
}
