// The inverse of a symmetric positive definite matrix M, by Cholesky's factor L and halves of it: of
// [[A, Bᵀ], [B, C]] the factor's lower left is T = B·L_A⁻ᵀ and its lower right that of C - T·Tᵀ. All but
// blocks of 64 is then products of matrices, which ggml computes: an inverse of 8,800 by plain loops would
// take an hour. What float32 rounds off grows by the factor's condition, the root of M's: halves of the
// inverse itself lose matrices of which a text has fewer tokens than columns.
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
  const turned = transpose(await invertFactor(matrix, multiply));
  // L⁻ᵀ·L⁻¹
  return await multiply(turned, turned);
}

/** L⁻¹ of M = L·Lᵀ; zeros above the diagonal. */
async function invertFactor(matrix: Matrix, multiply: Multiply): Promise<Matrix> {
  const n = matrix.nRows;
  if (n <= SMALL) return invertSmallFactor(matrix);
  const half = Math.ceil(n / 2 / SMALL) * SMALL;
  const [upper, lower] = [range(0, half), range(half, n)];
  const first = await invertFactor(pick(matrix, upper, upper), multiply);
  const t = await multiply(pick(matrix, lower, upper), first);
  const complement = pick(matrix, lower, lower);
  addScaled(complement, await multiply(t, t), -1);
  const second = await invertFactor(complement, multiply);
  // The negative of the lower left part.
  const corner = await multiply(await multiply(second, transpose(t)), transpose(first));
  return assemble(first, corner, second);
}

/** `corner` is the negative of the lower left part. */
function assemble(first: Matrix, corner: Matrix, second: Matrix): Matrix {
  const whole = zeros(first.nRows + second.nRows, first.nRows + second.nRows);
  for (let i = 0; i < first.nRows; i++) rowOf(whole, i).set(rowOf(first, i));
  for (let i = 0; i < second.nRows; i++) {
    const row = rowOf(whole, first.nRows + i);
    row.set(rowOf(corner, i).map((value) => -value));
    row.set(rowOf(second, i), first.nRows);
  }
  return whole;
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
