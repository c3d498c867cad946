// One part of a layer as a calibration saw it: its weight, what its inputs were like, and the removal
// curve that follows. Gram matrices are read for one part at a time, as all of them may not fit.

import { CalibrationError } from './calibration-error.js';
import type { Calibration, InputStatistics } from './calibration-file.js';
import {
  diagonalRemovalCurve,
  type RemovalCurve,
  type RemovalOptions,
  removalCurve,
} from './choose/removal-curve.js';
import { type DenseModel, type Part, STEP_CHANNELS } from './dense-model.js';
import { SingularError } from './linear/inverse.js';
import { type InputMoments, type Multiply, momentsOf } from './linear/least-squares.js';
import { dot, type Matrix, rowOf } from './linear/matrix.js';
import type { LinearInput } from './repair/repair-linear.js';

/** Added to the diagonal of ones, the first that is enough against what a short text makes singular. */
export const RIDGES: readonly number[] = [1e-2, 1e-1, 1];

export type MeasuredPart = Part & {
  curve: RemovalCurve;
  /** Added to the covariance's diagonal of ones to find that; null where only variances are known. */
  ridge: number | null;
  /** Of the output over the calibration's tokens, summed over its rows: what errors are a share of. */
  outputVariance: number;
  /** What finding both took. */
  durationMs: number;
};

export function statisticsOf(
  calibration: Calibration,
  { layer, kind, ggufName }: Part,
): InputStatistics {
  const found = calibration.layers[layer]?.[kind === 'attention' ? 'attnOutput' : 'ffnDown'];
  if (found) return found;
  throw new CalibrationError(
    `the calibration has nothing of ${ggufName}; make it again with --layers that include layer ${layer}`,
  );
}

/** What a repair needs to know of a part's inputs. */
export async function readInput(statistics: InputStatistics): Promise<LinearInput> {
  const { n, nTokens, sum, nRows } = statistics;
  const data = await statistics.readRows();
  return {
    mean: sum.map((value) => value / nTokens),
    moments: statistics.hasGram ? momentsOf(sum, await statistics.readGram(), nTokens) : null,
    heldOut: nRows > 0 ? { nRows, nCols: n, data } : null,
  };
}

/** In which order `part` can go, and at what cost. */
export async function measurePart(
  {
    dense,
    calibration,
    multiply,
  }: { dense: DenseModel; calibration: Calibration; multiply: Multiply },
  part: Part,
): Promise<MeasuredPart> {
  const begun = performance.now();
  const statistics = statisticsOf(calibration, part);
  const weight = dense.readWeight(`${part.module}.weight`);
  const { moments } = await readInput(statistics);
  const options = {
    groupSize: part.groupSize,
    step: part.kind === 'ffn' ? STEP_CHANNELS : 1,
    least: 1,
  };
  if (!moments) {
    const variances = variancesOf(
      statistics,
      calibration.importance.columns.get(`${part.ggufName}.weight`),
    );
    const curve = diagonalRemovalCurve(weight, variances, options);
    const outputVariance = curve.errors.at(-1) ?? 0;
    return { ...part, curve, ridge: null, outputVariance, durationMs: performance.now() - begun };
  }
  const { ggufName } = part;
  const { curve, ridge } = await curveOf(weight, moments, { ...options, ggufName, multiply });
  const outputVariance = await varianceOfOutput(weight, moments, multiply);
  return { ...part, curve, ridge, outputVariance, durationMs: performance.now() - begun };
}

async function curveOf(
  weight: Matrix,
  moments: InputMoments,
  { ggufName, ...options }: RemovalOptions & { ggufName: string; multiply: Multiply },
): Promise<Pick<MeasuredPart, 'curve'> & { ridge: number }> {
  for (const ridge of RIDGES)
    try {
      return { curve: await removalCurve(weight, moments, { ...options, ridge }), ridge };
    } catch (error) {
      if (!(error instanceof SingularError)) throw error;
    }
  throw new CalibrationError(
    `the inputs of ${ggufName} cannot be told apart on this text, which has too little in it; give a longer --text or more --tokens`,
  );
}

function variancesOf(
  { sum, nTokens }: InputStatistics,
  squares: Float32Array | undefined,
): Float32Array {
  return sum.map((value, j) => Math.max(0, (squares?.[j] ?? 0) - (value / nTokens) ** 2));
}

/** tr(W·C·Wᵀ) */
async function varianceOfOutput(
  weight: Matrix,
  { correlation, scale }: { correlation: Matrix; scale: Float32Array },
  multiply: Multiply,
): Promise<number> {
  const scaled = {
    ...weight,
    data: weight.data.map((value, i) => value * (scale[i % weight.nCols] as number)),
  };
  const product = await multiply(scaled, correlation);
  let sum = 0;
  for (let i = 0; i < weight.nRows; i++) sum += dot(rowOf(product, i), rowOf(scaled, i));
  return sum;
}
