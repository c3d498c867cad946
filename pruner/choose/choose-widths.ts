// The widths of every part. Even ones are what a model without a measurement gets; where there is time, one
// part at a time is pruned and the drift of the whole model measured, which says what a lost unit of each
// part's output costs; widths by those prices are then taken if the whole pruned model drifts less by them
// on text that has not calibrated.
import { CheckpointError } from '../../model/checkpoint/checkpoint-error.js';
import type { LlamaModel } from '../../model/shape/llama-model.js';
import type { FileType } from '../../model/types/mixtures.js';
import { planQuantisation } from '../../model/types/quantise-plan.js';
import { type MeasuredPart, STEP_CHANNELS } from '../measured-part.js';
import { allocate, type Narrowable, type Widths } from './allocate.js';
import { evenWidths } from './even-widths.js';
import { meetTarget, type Target } from './target.js';

export type UniformWidths = { nHeadKv: number; nFf: number };

/** KV heads or channels that are kept, by part. */
export type ChosenWidths = ReadonlyMap<MeasuredPart, number>;

/** Measures how far a model drifts from the unpruned one: KL divergence, in nats. */
export type DriftMeter = {
  /** With one part alone pruned, for each of the prunings; null where there is no time for all of them. */
  alone(prunings: readonly [MeasuredPart, number][]): Promise<number[] | null>;
  /** Of whole pruned models; null where there is no time. */
  together(models: readonly ChosenWidths[]): Promise<number[] | null>;
};

export type WidthsOptions = {
  model: LlamaModel;
  checkpoint: string;
  target: Target;
  uniform: UniformWidths | null;
  type: FileType;
  /** Of the file without what it says of its pruning. */
  headerBytes: number;
  /** Null where nothing is to be measured. */
  meter: DriftMeter | null;
};

/** The list of kept groups takes at most so much in the header, as ranges of numbers. */
const BYTES_PER_GROUP = 4;
/** Every layer keeps an eighth of its channels. */
const LEAST_SHARE = 1 / 8;

/** Throws {@link CheckpointError} where the target cannot be reached. */
export async function chooseWidths(
  parts: readonly MeasuredPart[],
  options: WidthsOptions,
): Promise<ChosenWidths> {
  const { uniform, checkpoint, meter } = options;
  if (uniform) return uniformWidths(parts, uniform, checkpoint);
  const narrowable = parts.map((part) => ({ ...part, part, ...stepsOf(part), price: 0 }));
  const even = meet(narrowable, options, (params) => evenWidths(narrowable, params));
  const prices = meter && (await measurePrices(even, meter));
  if (!meter || !prices) return even;
  const candidates = [even, ...SHARPNESS.map((sharpness) => pricedWidths(sharpness))];
  const drifts = await meter.together(candidates);
  const best = drifts ? drifts.indexOf(Math.min(...drifts)) : 0;
  return candidates[best] ?? even;

  function pricedWidths(sharpness: number): ChosenWidths {
    const priced = narrowable.map((one) => ({
      ...one,
      price: prices?.get(one.part)?.(sharpness) ?? 0,
    }));
    return meet(priced, options, (params) => allocate(priced, params));
  }
}

/** How much of the measured differences between parts prices follow: a measurement has its noise. */
const SHARPNESS = [0.5, 0.75];

type Chosen = Narrowable & { part: MeasuredPart; kind: 'attention' | 'ffn' };

function meet(
  parts: readonly Chosen[],
  { model, checkpoint, target, type, headerBytes }: WidthsOptions,
  remove: (params: number) => Widths<Chosen> | null,
): Map<MeasuredPart, number> {
  const nGroups = parts.reduce((sum, part) => sum + part.nGroups, 0);
  const beside = headerBytes + nGroups * BYTES_PER_GROUP;
  const fileBytes = (widths: Widths<Chosen>) =>
    beside + planQuantisation(narrowed(model, widths), type).weightsBytes;
  const found = meetTarget(parts, target, { model, path: checkpoint, fileBytes, remove });
  return new Map(Array.from(found, ([{ part }, kept]) => [part, kept]));
}

type Price = (sharpness: number) => number;

/** Each part is tried at the even width, or with a group less where that is all of it. */
async function measurePrices(
  even: ChosenWidths,
  meter: DriftMeter,
): Promise<Map<MeasuredPart, Price> | null> {
  const tried = Array.from(even, ([part, kept]): [MeasuredPart, number] => {
    const fewest = part.kind === 'attention' ? part.nGroups - 1 : part.nGroups - STEP_CHANNELS;
    return [part, Math.max(1, Math.min(kept, fewest))];
  }).filter(([part, kept]) => kept < part.nGroups);
  const drifts = await meter.alone(tried);
  if (!drifts) return null;
  return new Map(
    tried.map(([part, kept], i) => {
      const drift = Math.max(0, drifts[i] ?? 0);
      const gone = part.nGroups - kept;
      const [error, params] = [part.curve.errors[gone] || 1, gone * part.paramsPerGroup];
      return [part, (sharpness) => (drift ** sharpness * params ** (1 - sharpness)) / error];
    }),
  );
}

function stepsOf({ kind, nGroups }: MeasuredPart) {
  return kind === 'attention'
    ? { least: 1, step: 1 }
    : { least: leastChannels(nGroups), step: STEP_CHANNELS };
}

/** In whole steps, and one at the least. */
function leastChannels(nGroups: number): number {
  const steps = Math.max(1, Math.floor((nGroups * LEAST_SHARE) / STEP_CHANNELS));
  return Math.min(nGroups, steps * STEP_CHANNELS);
}

function uniformWidths(
  parts: readonly MeasuredPart[],
  { nHeadKv, nFf }: UniformWidths,
  path: string,
): ChosenWidths {
  return new Map(
    parts.map((part) => {
      const kept = part.kind === 'attention' ? nHeadKv : nFf;
      if (kept >= 1 && kept <= part.nGroups) return [part, kept];
      const what = part.kind === 'attention' ? '--kv-heads' : '--n-ff';
      throw new CheckpointError(
        path,
        `${what} ${kept}: layer ${part.layer} has ${part.nGroups}; keep 1 to ${part.nGroups}`,
      );
    }),
  );
}

/** The model with those widths, for the plan of its file. */
function narrowed(model: LlamaModel, widths: Widths<Chosen>): LlamaModel {
  const layers = model.layers.map((layer) => ({ ...layer }));
  const biases = new Set(model.biases);
  for (const [{ part }, kept] of widths) {
    const layer = layers[part.layer];
    if (!layer || kept === part.nGroups) continue;
    if (part.kind === 'ffn') layer.nFf = kept;
    else [layer.nHead, layer.nHeadKv] = [(layer.nHead / layer.nHeadKv) * kept, kept];
    biases.add(`${part.module}.bias`);
  }
  return { ...model, layers, biases };
}
