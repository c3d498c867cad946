// Of each type, the least that must be pruned for the file to fit a device: pairs that are worth a comparison,
// as whoever prunes more than that loses quality for nothing. Widths are even, so that all is known to the byte
// before any weight is read.
import type { Fit } from '../../devices/fit/fit.js';
import type { LlamaModel } from '../../model/shape/llama-model.js';
import type { SizedModel } from '../../model/shape/sized-model.js';
import { type FileType, fileTypesFor } from '../../model/types/mixtures.js';
import { sizedModelOfPlan } from '../../model/types/sized-plan.js';
import { evenWidths } from '../choose/even-widths.js';
import { asStepped, type KeptWidths, narrowed, planPruned } from '../choose/plain-widths.js';
import type { Part } from '../dense-model.js';
import type { Pair } from './pair.js';

export type PairsOptions = {
  model: LlamaModel;
  /** What a model takes of the device. Rejects with `MemoryPredictionError`. */
  fit: (model: SizedModel) => Promise<Fit>;
  /** Best quality first. */
  types?: readonly FileType[];
  /** Tokens a second that are wanted, as they are predicted to be likely. */
  minTps: number | null;
  hasBiases: boolean;
};

export type FittingPairs = {
  /** In the order of the types; of files that would be the same to the byte, the first. */
  pairs: Pair[];
  /** Of what does not fit however much is pruned, what comes nearest; null where something fits. */
  nearest: Pair | null;
};

/** No checkpoint has more than half precision, and BF16 takes the same bytes as F16. */
const TYPES = fileTypesFor({ hasImatrix: true }).filter(
  (type) => type !== 'F32' && type !== 'BF16',
);

export async function fittingPairs(
  parts: readonly Part[],
  options: PairsOptions,
): Promise<FittingPairs> {
  const pairs: Pair[] = [];
  const misses: Pair[] = [];
  for (const type of options.types ?? TYPES) {
    const { pair, isFitting } = await leastPruned(parts, type, options);
    (isFitting ? pairs : misses).push(pair);
  }
  return {
    pairs: pairs.filter((pair, i) => !pairs.slice(0, i).some((other) => isSame(pair, other))),
    nearest: pairs.length > 0 ? null : nearestOf(misses),
  };
}

/** Whether the device holds all layers with the whole context, and answers as quickly as is wanted. */
function isFitting({ verdict, speed }: Fit, minTps: number | null): boolean {
  if (verdict.kind !== 'fits') return false;
  return minTps === null || (speed !== null && speed.tgTokensPerSecond.typical >= minTps);
}

/** Of all weights, what is tried is a multiple of it. */
const RATIO_STEP = 0.005;

/** By halves: a model with fewer weights takes no more. */
async function leastPruned(
  parts: readonly Part[],
  type: FileType,
  options: PairsOptions,
): Promise<{ pair: Pair; isFitting: boolean }> {
  const asked = async (steps: number) => {
    const widths = widthsAt(parts, steps * RATIO_STEP, options.model);
    const pair = widths && (await planPair(widths, type, options));
    return pair && { pair, isFitting: isFitting(pair.fit, options.minTps) };
  };
  const most = mostSteps(parts, options.model);
  const unpruned = (await asked(0)) as { pair: Pair; isFitting: boolean };
  if (unpruned.isFitting || most === 0) return unpruned;
  const least = await asked(most);
  if (!least?.isFitting) return least ?? unpruned;
  let [tooMany, best] = [0, least];
  for (let enough = most; enough - tooMany > 1; ) {
    const middle = Math.floor((tooMany + enough) / 2);
    const found = await asked(middle);
    if (found?.isFitting) [enough, best] = [middle, found];
    else tooMany = middle;
  }
  return best;
}

/** Steps up to the least widths that the parts may have. */
function mostSteps(parts: readonly Part[], model: LlamaModel): number {
  let steps = Math.floor(1 / RATIO_STEP);
  while (steps > 0 && !widthsAt(parts, steps * RATIO_STEP, model)) steps--;
  return steps;
}

/** Null where so much cannot go. */
function widthsAt(
  parts: readonly Part[],
  ratio: number,
  { nParams }: LlamaModel,
): KeptWidths | null {
  if (ratio === 0) return new Map();
  const widths = evenWidths(parts.map(asStepped), Math.round(ratio * nParams));
  return widths && new Map(Array.from(widths, ([{ part }, kept]) => [part, kept]));
}

async function planPair(
  widths: KeptWidths,
  type: FileType,
  { model, fit, hasBiases }: PairsOptions,
): Promise<Pair> {
  const pruned = narrowed(widths, { model, type, hasBiases });
  const quantised = planPruned(widths, { model, type, hasBiases });
  return {
    ratio: 1 - pruned.nParams / model.nParams,
    ...{ widths, model: pruned, quantised },
    fit: await fit(sizedModelOfPlan(pruned, quantised)),
  };
}

/** Narrow widths fall back to one type, whatever their mixture asks for. */
function isSame(a: Pair, b: Pair): boolean {
  const tensors = ({ quantised }: Pair) =>
    quantised.tensors.map(({ type, nRows, nCols }) => `${type} ${nRows} ${nCols}`).join();
  return a.quantised.weightsBytes === b.quantised.weightsBytes && tensors(a) === tensors(b);
}

/** The quickest of those that the device holds; where it holds none, what lacks the least memory for its size. */
function nearestOf(misses: readonly Pair[]): Pair | null {
  const tps = ({ fit }: Pair) => fit.speed?.tgTokensPerSecond.typical ?? 0;
  const share = ({ fit }: Pair) => fit.neededBytes / fit.budgetBytes;
  const held = misses.filter(({ fit }) => fit.verdict.kind === 'fits');
  const [quickest] = held.sort((a, b) => tps(b) - tps(a));
  const [smallest] = [...misses].sort((a, b) => share(a) - share(b));
  return quickest ?? smallest ?? null;
}
