// What a linear layer's input looks like, and how well its kept columns can stand in for all of them.
// C = G/T - μμᵀ is scaled to a unit diagonal, so that one ridge means the same for loud and for faint
// inputs; W is scaled the other way, which leaves W·x as it was.
import { invert } from './inverse.js';
import { dot, type Matrix, pick, range, rowOf, zeros } from './matrix.js';

/** A·Bᵀ of `[m, k]` and `[n, k]`: `[m, n]`. */
export type Multiply = (a: Matrix, b: Matrix) => Promise<Matrix>;

/** Of one layer's input of `n` columns. */
export type InputMoments = {
  /** `[n]` */
  mean: Float32Array;
  /** Standard deviations `[n]`; 1 where an input never changes. */
  scale: Float32Array;
  /** `[n, n]`, of unit diagonal. */
  correlation: Matrix;
};

/** From Σx and Σxxᵀ (`n` and `n·n` long, overwritten) of `nTokens` inputs. */
export function momentsOf(sum: Float32Array, gram: Float32Array, nTokens: number): InputMoments {
  const n = sum.length;
  const mean = sum.map((value) => value / nTokens);
  const correlation: Matrix = { nRows: n, nCols: n, data: gram };
  const scale = mean.map((value, j) => {
    const variance = (gram[j * n + j] as number) / nTokens - value * value;
    return variance > 0 ? Math.sqrt(variance) : 1;
  });
  for (let i = 0; i < n; i++) {
    const row = rowOf(correlation, i);
    const [meanI = 0, scaleI = 1] = [mean[i], scale[i]];
    for (let j = 0; j < n; j++)
      row[j] =
        ((row[j] as number) / nTokens - meanI * (mean[j] as number)) /
        (scaleI * (scale[j] as number));
    row[i] = 1;
  }
  return { mean, scale, correlation };
}

/** The inverse of C + λI. Throws SingularError. */
export function invertWithRidge(
  { correlation }: InputMoments,
  kept: ArrayLike<number> | null,
  ridge: number,
  multiply: Multiply,
): Promise<Matrix> {
  const part = kept
    ? pick(correlation, kept, kept)
    : { ...correlation, data: correlation.data.slice() };
  for (let i = 0; i < part.nRows; i++) part.data[i * part.nCols + i] = 1 + ridge;
  return invert(part, multiply);
}

/** `[m, n]`: W with its columns multiplied (or divided) by the inputs' scale. */
export function scaleColumns(weight: Matrix, factors: Float32Array, isDivided = false): Matrix {
  const scaled = zeros(weight.nRows, weight.nCols);
  for (let i = 0; i < weight.nRows; i++) {
    const [from, to] = [rowOf(weight, i), rowOf(scaled, i)];
    for (let j = 0; j < to.length; j++)
      to[j] = isDivided
        ? (from[j] as number) / (factors[j] as number)
        : (from[j] as number) * (factors[j] as number);
  }
  return scaled;
}

/** W·C[:, S]·(C[S, S] + λI)⁻¹: the kept columns that come nearest to W·x. `[m, |S|]`. */
export async function solveKept(
  weight: Matrix,
  moments: InputMoments,
  { kept, ridge, multiply }: { kept: ArrayLike<number>; ridge: number; multiply: Multiply },
): Promise<Matrix> {
  const { correlation, scale } = moments;
  const inverse = await invertWithRidge(moments, kept, ridge, multiply);
  // C is symmetric: its kept rows are the transpose of its kept columns.
  const cross = await multiply(
    scaleColumns(weight, scale),
    pick(correlation, kept, range(0, correlation.nRows)),
  );
  const solved = await multiply(cross, inverse);
  const keptScale = Float32Array.from(kept, (j) => scale[j] as number);
  return scaleColumns(solved, keptScale, true);
}

/** Wμ - W′μ_S, the bias that makes up for what the mean of the inputs gave. `[m]` */
export function biasOf(
  weight: Matrix,
  repaired: Matrix,
  mean: Float32Array,
  kept: ArrayLike<number>,
): Float32Array {
  const keptMean = Float32Array.from(kept, (j) => mean[j] as number);
  return Float32Array.from({ length: weight.nRows }, (_, i) => {
    return dot(rowOf(weight, i), mean) - dot(rowOf(repaired, i), keptMean);
  });
}
