// What a linear layer's input looks like, and how well its kept columns can stand in for all of them.
// C = G/T - μμᵀ is scaled to a unit diagonal, so that one ridge means the same for loud and for faint
// inputs; W is scaled the other way, which leaves W·x as it was.
import { invert } from './inverse.js';
import { dot, type Matrix, pick, pickRows, rowOf, zeros } from './matrix.js';

/** A·Bᵀ of `[m, k]` and `[n, k]`: `[m, n]`. */
export type Multiply = (a: Matrix, b: Matrix) => Promise<Matrix>;

/** Of one layer's input of `n` columns. */
export type InputMoments = {
  /** `[n]` */
  mean: Float32Array;
  /** Standard deviations `[n]`, more than zero where an input never changes, too. */
  scale: Float32Array;
  /** `[n, n]`, of unit diagonal. */
  correlation: Matrix;
};

/** Below this share of its mean square, an input's variance is what float32 rounds off. */
const LEAST_VARIANCE = 1e-5;

/**
 * From Σx and Σxxᵀ (`n` and `n·n` long, overwritten) of `nTokens` inputs. An input that hardly changes
 * correlates with none, and is left to the bias.
 */
export function momentsOf(sum: Float32Array, gram: Float32Array, nTokens: number): InputMoments {
  const n = sum.length;
  const mean = sum.map((value) => value / nTokens);
  const correlation: Matrix = { nRows: n, nCols: n, data: gram };
  const squares = mean.map((_, j) => (gram[j * n + j] as number) / nTokens);
  const least = squares.map((square) => LEAST_VARIANCE * square);
  const variances = squares.map((square, j) => square - (mean[j] as number) ** 2);
  const changes = variances.map((variance, j) => Number(variance > (least[j] as number)));
  const scale = variances.map((variance, j) =>
    changes[j] ? Math.sqrt(variance) : Math.sqrt(least[j] as number) || 1e-9,
  );
  for (let i = 0; i < n; i++) {
    const row = rowOf(correlation, i);
    const [meanI = 0, scaleI = 1, changesI = 0] = [mean[i], scale[i], changes[i]];
    for (let j = 0; j < n; j++) {
      const covariance = (row[j] as number) / nTokens - meanI * (mean[j] as number);
      row[j] = (changesI * (changes[j] as number) * covariance) / (scaleI * (scale[j] as number));
    }
    row[i] = 1;
  }
  return { mean, scale, correlation };
}

/** The inverse of C + λI, or of what is kept of it. Throws SingularError. */
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

/** For each λ, W·C[:, S]·(C[S, S] + λI)⁻¹: the kept columns that come nearest to W·x. `[m, |S|]` */
export async function openSolver(
  weight: Matrix,
  moments: InputMoments,
  { kept, multiply }: { kept: ArrayLike<number>; multiply: Multiply },
): Promise<(ridge: number) => Promise<Matrix>> {
  const { correlation, scale } = moments;
  // C is symmetric: its kept rows are the transpose of its kept columns.
  const cross = await multiply(scaleColumns(weight, scale), pickRows(correlation, kept));
  const keptScale = Float32Array.from(kept, (j) => scale[j] as number);
  return async (ridge) => {
    const inverse = await invertWithRidge(moments, kept, ridge, multiply);
    return scaleColumns(await multiply(cross, inverse), keptScale, true);
  };
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
