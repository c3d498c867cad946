// In which order a linear layer's inputs can go, and what each step costs in its output: what is least
// missed goes first, and what stays takes over what it can (Optimal Brain Surgeon, Hassibi & Stork
// 1993, for whole columns as in ZipLM, Kurtic et al. 2023). Removing the columns B costs
// tr(W_B (H_BB)⁻¹ W_Bᵀ) of the output's variance, with H = C⁻¹; W and H then follow as if B had
// never been there. Where only variances are known, C is diagonal, and this is FLAP's metric.
import { invert } from '../linear/inverse.js';
import {
  type InputMoments,
  invertWithRidge,
  type Multiply,
  scaleColumns,
} from '../linear/least-squares.js';
import { addScaled, dot, type Matrix, pick, pickColumns, range, rowOf } from '../linear/matrix.js';

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
  let rest = scaleColumns(weight, moments.scale);
  let inverse = await invertWithRidge(moments, null, ridge, multiply);
  let groups = Array.from(range(0, weight.nCols / groupSize));
  /** Places in `groups`, whose columns are still in both matrices. */
  let left = groups.map((_, place) => place);
  const curve: RemovalCurve = { order: [], errors: [0] };
  while (left.length > least) {
    const scores = await scoreGroups(rest, inverse, left, groupSize, multiply);
    const leaving = scores.slice(0, Math.min(step, left.length - least)).map(({ group }) => group);
    const cost = await remove(rest, inverse, columnsOfAll(leaving, groupSize), multiply);
    append(
      curve,
      leaving.map((place) => groups[place] as number),
      cost,
    );
    left = left.filter((place) => !leaving.includes(place));
    // What is gone costs as much as what is left, until the matrices are made smaller.
    if (left.length > groups.length * FULL_SHARE) continue;
    const columns = columnsOfAll(left, groupSize);
    rest = pickColumns(rest, columns);
    inverse = pick(inverse, columns, columns);
    groups = left.map((place) => groups[place] as number);
    left = groups.map((_, place) => place);
  }
  return curve;
}

/** Matrices of which less than this is left are made smaller. */
const FULL_SHARE = 0.8;

/** By the variances alone: FLAP's fluctuation metric (An et al. 2024). */
export function diagonalRemovalCurve(
  weight: Matrix,
  variances: Float32Array,
  { groupSize, least }: Omit<RemovalOptions, 'step'>,
): RemovalCurve {
  const costs = columnEnergies(weight).map((energy, j) => energy * (variances[j] as number));
  const scores = Array.from(range(0, weight.nCols / groupSize), (group) => ({
    group,
    score: columnsOf(group, groupSize).reduce((sum, j) => sum + (costs[j] as number), 0),
  })).sort(byScore);
  const curve: RemovalCurve = { order: [], errors: [0] };
  for (const { group, score } of scores.slice(0, scores.length - least))
    append(curve, [group], score);
  return curve;
}

type RatedGroup = { group: number; score: number };

function byScore(a: RatedGroup, b: RatedGroup): number {
  return a.score - b.score;
}

/** Cheapest first. */
async function scoreGroups(
  weight: Matrix,
  inverse: Matrix,
  groups: number[],
  groupSize: number,
  multiply: Multiply,
): Promise<RatedGroup[]> {
  const scores: RatedGroup[] = [];
  const energies = groupSize === 1 ? columnEnergies(weight) : null;
  for (const group of groups) {
    const score = energies
      ? (energies[group] as number) / (inverse.data[group * (inverse.nCols + 1)] as number)
      : (await costOf(weight, inverse, columnsOf(group, groupSize), multiply)).cost;
    scores.push({ group, score });
  }
  return scores.sort(byScore);
}

/** What it costs to remove `columns`, and W_B·(H_BB)⁻¹, `[m, |B|]`. */
async function costOf(
  weight: Matrix,
  inverse: Matrix,
  columns: number[],
  multiply: Multiply,
): Promise<{ cost: number; taken: Matrix; inverseOfPart: Matrix }> {
  const inverseOfPart = await invert(pick(inverse, columns, columns), multiply);
  const part = pickColumns(weight, columns);
  const taken = await multiply(part, inverseOfPart);
  return { cost: dot(taken.data, part.data), taken, inverseOfPart };
}

/** Takes `columns` out of W and H in place; returns the cost. */
async function remove(
  weight: Matrix,
  inverse: Matrix,
  columns: number[],
  multiply: Multiply,
): Promise<number> {
  const { cost, taken, inverseOfPart } = await costOf(weight, inverse, columns, multiply);
  const spread = pickColumns(inverse, columns);
  addScaled(weight, await multiply(taken, spread), -1);
  addScaled(inverse, await multiply(await multiply(spread, inverseOfPart), spread), -1);
  return cost;
}

function append(curve: RemovalCurve, groups: number[], cost: number): void {
  const before = curve.errors.at(-1) as number;
  for (const [i, group] of groups.entries()) {
    curve.order.push(group);
    curve.errors.push(before + (cost * (i + 1)) / groups.length);
  }
}

function columnsOfAll(groups: readonly number[], groupSize: number): number[] {
  return groups.flatMap((group) => columnsOf(group, groupSize));
}

function columnsOf(group: number, groupSize: number): number[] {
  return Array.from({ length: groupSize }, (_, i) => group * groupSize + i);
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
