// One linear layer whose inputs were partly removed: the kept columns and a bias take over what the
// removed ones gave. Which repair, and with which ridge, is judged on inputs that the covariance has
// not seen, so that a short calibration cannot make the layer worse than a plain bias would.

import { SingularError } from '../linear/inverse.js';
import { biasOf, type InputMoments, type Multiply, openSolver } from '../linear/least-squares.js';
import { type Matrix, pick, pickColumns, range, rowOf } from '../linear/matrix.js';

export type RepairMode = 'none' | 'bias' | 'least-squares';

export type Repaired = {
  /** `[m, |S|]`, the kept columns. */
  columns: Matrix;
  /** `[m]`; null without repair. */
  bias: Float32Array | null;
  mode: RepairMode;
  /** Of the covariance with a diagonal of ones; null where nothing was solved. */
  ridge: number | null;
  /** Share of the output's variance on the inputs held out that is lost; null where there were none. */
  heldOutError: number | null;
};

/** A diagonal of ones has eigenvalues around 1: from nearly nothing to a tenth of them. */
const RIDGES = [1e-4, 1e-3, 1e-2, 1e-1];

export type LinearInput = {
  /** Null where only means are known. */
  moments: InputMoments | null;
  mean: Float32Array;
  /** Inputs that are not in the moments, `[T, n]`. */
  heldOut: Matrix | null;
};

export type RepairOptions = {
  kept: Uint32Array;
  mode: RepairMode;
  multiply: Multiply;
  /** Those that are tried; few where it is known already which is good. */
  ridges?: readonly number[];
};

/** The best repair up to `mode` of `weight` `[m, n]` for the kept columns. */
export async function repairLinear(
  weight: Matrix,
  { moments, mean, heldOut }: LinearInput,
  { kept, mode, multiply, ridges = RIDGES }: RepairOptions,
): Promise<Repaired> {
  const columns = pickColumns(weight, kept);
  const judge = heldOut ? await openJudge(weight, heldOut, kept, multiply) : null;
  const finish = async (repaired: Omit<Repaired, 'heldOutError'>): Promise<Repaired> => ({
    ...repaired,
    heldOutError: judge ? await judge(repaired) : null,
  });
  if (mode === 'none') return await finish({ columns, bias: null, mode, ridge: null });
  const tried = [
    await finish({ columns, bias: biasOf(weight, columns, mean, kept), mode: 'bias', ridge: null }),
  ];
  if (mode === 'least-squares' && moments) {
    const solve = await openSolver(weight, moments, { kept, multiply });
    for (const ridge of ridges) {
      const solved = await unlessSingular(solve(ridge));
      if (!solved) continue;
      const bias = biasOf(weight, solved, mean, kept);
      tried.push(await finish({ columns: solved, bias, mode, ridge }));
    }
  }
  return tried.reduce((best, one) => (errorOf(one) <= errorOf(best) ? one : best));
}

/** Without inputs held out, the largest ridge that was tried last counts as the safest. */
function errorOf({ heldOutError }: Repaired): number {
  return heldOutError ?? 0;
}

/** Null where the covariance is singular with the ridge. */
async function unlessSingular(solving: Promise<Matrix>): Promise<Matrix | null> {
  try {
    return await solving;
  } catch (error) {
    if (error instanceof SingularError) return null;
    throw error;
  }
}

type Judge = (repaired: Pick<Repaired, 'columns' | 'bias'>) => Promise<number>;

/** What share of the variance of W·x over the inputs held out a repair loses. */
async function openJudge(
  weight: Matrix,
  heldOut: Matrix,
  kept: Uint32Array,
  multiply: Multiply,
): Promise<Judge> {
  const wanted = await multiply(weight, heldOut);
  const total = variance(wanted);
  const keptInputs = pick(heldOut, range(0, heldOut.nRows), kept);
  return async ({ columns, bias }) => {
    const got = await multiply(columns, keptInputs);
    let lost = 0;
    for (let i = 0; i < wanted.nRows; i++) {
      const [want, have, add] = [rowOf(wanted, i), rowOf(got, i), bias?.[i] ?? 0];
      for (let t = 0; t < want.length; t++)
        lost += ((want[t] as number) - (have[t] as number) - add) ** 2;
    }
    return total > 0 ? lost / total : 0;
  };
}

/** Σ over the rows of their squared distance from their mean. */
function variance(matrix: Matrix): number {
  let total = 0;
  for (let i = 0; i < matrix.nRows; i++) {
    const row = rowOf(matrix, i);
    const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
    for (const value of row) total += (value - mean) ** 2;
  }
  return total;
}
