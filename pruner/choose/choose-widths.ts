// The widths of every part. Even ones are what a model without a measurement gets; where there is time, one
// part at a time is pruned and the drift of the whole model measured, which says what a lost unit of each
// part's output costs; widths by those prices are then taken if the whole pruned model drifts less by them
// on text that has not calibrated.
import { STEP_CHANNELS } from '../dense-model.js';
import type { MeasuredPart } from '../measured-part.js';
import { allocate } from './allocate.js';
import {
  asStepped,
  type KeptWidths,
  meetWidths,
  type PlainOptions,
  plainWidths,
} from './plain-widths.js';

export type ChosenWidths = KeptWidths<MeasuredPart>;

/** Measures how far a model drifts from the unpruned one: KL divergence, in nats. */
export type DriftMeter = {
  /** With one part alone pruned, for each of the prunings; null where there is no time for all of them. */
  alone(prunings: readonly [MeasuredPart, number][]): Promise<number[] | null>;
  /** Of whole pruned models; null where there is no time. */
  together(models: readonly ChosenWidths[]): Promise<number[] | null>;
};

export type WidthsOptions = PlainOptions & {
  /** Null where nothing is to be measured. */
  meter: DriftMeter | null;
};

/** Throws `CheckpointError` where the target cannot be reached. */
export async function chooseWidths(
  parts: readonly MeasuredPart[],
  options: WidthsOptions,
): Promise<ChosenWidths> {
  const { uniform, meter } = options;
  const plain = plainWidths(parts, options);
  if (uniform || !meter) return plain;
  const prices = await measurePrices(plain, meter);
  if (!prices) return plain;
  const candidates = [plain, ...SHARPNESS.map((sharpness) => pricedWidths(sharpness))];
  const drifts = await meter.together(candidates);
  const best = drifts ? drifts.indexOf(Math.min(...drifts)) : 0;
  return candidates[best] ?? plain;

  function pricedWidths(sharpness: number): ChosenWidths {
    const priced = parts.map((part) => ({
      ...asStepped(part),
      curve: part.curve,
      price: prices?.get(part)?.(sharpness) ?? 0,
    }));
    return meetWidths(priced, options, (params) => allocate(priced, params));
  }
}

/** How much of the measured differences between parts prices follow: a measurement has its noise. */
const SHARPNESS = [0.5, 0.75];

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
