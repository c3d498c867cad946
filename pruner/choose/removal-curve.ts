// In which order a linear layer's inputs can go, and what each step costs in its output: what is least
// missed goes first, and what stays takes over what it can (Optimal Brain Surgeon, Hassibi & Stork
// 1993, for whole columns as in ZipLM, Kurtic et al. 2023). Removing the columns B costs
// tr(W_B (H_BB)⁻¹ W_Bᵀ) of the output's variance, with H = C⁻¹; W and H then follow as if B had
// never been there. Where only variances are known, C is diagonal, and this is FLAP's metric.
import {
  type InputMoments,
  invertWithRidge,
  type Multiply,
  scaleColumns,
} from '../linear/least-squares.js';
import { type Matrix, range, rowOf, transpose } from '../linear/matrix.js';
import { type RatedGroup, RemainingColumns } from './remaining-columns.js';

/** Of the `n / groupSize` groups of columns that are kept or go as one. */
export type RemovalCurve = {
  /** The groups in the order in which they go. */
  order: number[];
  /** `errors[k]`: what of the output's variance, summed over its rows, is lost once `k` groups are gone. */
  errors: number[];
};

export type RemovalOptions = {
  /** Columns that go together: 1 for channels, those of a KV head's query heads for attention. */
  groupSize: number;
  /** Groups that go at a time, before the rest is judged anew. */
  step: number;
  /** Groups that stay in any case. */
  least: number;
};

/** By the whole covariance. `weight` is `[m, n]`; throws SingularError where the ridge is too small. */
export async function removalCurve(
  weight: Matrix,
  moments: InputMoments,
  options: RemovalOptions & { ridge: number; multiply: Multiply },
): Promise<RemovalCurve> {
  const { groupSize, step, least, ridge, multiply } = options;
  const remaining = await RemainingColumns.open({
    turned: transpose(scaleColumns(weight, moments.scale)),
    inverse: await invertWithRidge(moments, null, ridge, multiply),
    ...{ groupSize, multiply },
  });
  const curve: RemovalCurve = { order: [], errors: [0] };
  for (let left = weight.nCols / groupSize; left > least; left -= step) {
    const cheapest = (await remaining.rate()).sort(byCost).slice(0, Math.min(step, left - least));
    const leaving = cheapest.map(({ group }) => group);
    append(curve, leaving, await remaining.remove(new Set(leaving)));
  }
  return curve;
}

/** By the variances alone: FLAP's fluctuation metric (An et al. 2024). */
export function diagonalRemovalCurve(
  weight: Matrix,
  variances: Float32Array,
  { groupSize, least }: Omit<RemovalOptions, 'step'>,
): RemovalCurve {
  const costs = columnEnergies(weight).map((energy, j) => energy * (variances[j] as number));
  const rated = Array.from(range(0, weight.nCols / groupSize), (group) => ({
    group,
    cost: costs
      .subarray(group * groupSize, (group + 1) * groupSize)
      .reduce((sum, cost) => sum + cost, 0),
  })).sort(byCost);
  const curve: RemovalCurve = { order: [], errors: [0] };
  for (const { group, cost } of rated.slice(0, rated.length - least)) append(curve, [group], cost);
  return curve;
}

function byCost(a: RatedGroup, b: RatedGroup): number {
  return a.cost - b.cost;
}

function append(curve: RemovalCurve, groups: number[], cost: number): void {
  const before = curve.errors.at(-1) as number;
  for (const [i, group] of groups.entries()) {
    curve.order.push(group);
    curve.errors.push(before + (cost * (i + 1)) / groups.length);
  }
}

/** ‖W_j‖² of every column. */
function columnEnergies(weight: Matrix): Float32Array {
  const energies = new Float32Array(weight.nCols);
  for (let i = 0; i < weight.nRows; i++) {
    const row = rowOf(weight, i);
    for (let j = 0; j < row.length; j++)
      energies[j] = (energies[j] as number) + (row[j] as number) ** 2;
  }
  return energies;
}
