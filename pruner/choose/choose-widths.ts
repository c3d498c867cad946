// The widths of every part. Even ones are what a model without a measurement gets; where there is time, one
// part at a time is pruned and the drift of the whole model measured, which says what a lost unit of each
// part's output costs. Widths by those prices are measured on text that has not calibrated, and what the
// prices make of it is turned as long as the whole pruned model drifts less.
import { STEP_CHANNELS } from '../dense-model.js';
import type { MeasuredPart } from '../measured-part.js';
import { allocate } from './allocate.js';
import { type Knobs, leastDrift, STARTS, type Tried, turnKnobs } from './knobs.js';
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
  const makeAll = (knobs: readonly Knobs[]) =>
    knobs.map((each) => pricedWidths(parts, { ...options, price: (part) => prices(part, each) }));
  const made = makeAll(STARTS);
  const [plainDrift, ...drifts] = (await meter.together([plain, ...made])) ?? [];
  if (plainDrift === undefined) return plain;
  const best = await turnKnobs(leastDrift(asTried(STARTS, made, drifts)), async (knobs) => {
    const models = makeAll(knobs);
    const measured = await meter.together(models);
    return measured && asTried(knobs, models, measured);
  });
  return best.drift < plainDrift ? best.made : plain;
}

function asTried(
  knobs: readonly Knobs[],
  models: readonly ChosenWidths[],
  drifts: readonly number[],
): Tried<ChosenWidths>[] {
  return models.map((made, i) => ({
    ...{ made, knobs: knobs[i] as Knobs },
    drift: drifts[i] ?? Number.POSITIVE_INFINITY,
  }));
}

function pricedWidths(
  parts: readonly MeasuredPart[],
  { price, ...options }: PlainOptions & { price: (part: MeasuredPart) => number },
): ChosenWidths {
  const priced = parts.map((part) => ({
    ...asStepped(part),
    ...{ curve: part.curve, price: price(part) },
  }));
  return meetWidths(priced, options, (params) => allocate(priced, params));
}

/** What a unit of a part's error costs the model. */
type Prices = (part: MeasuredPart, knobs: Knobs) => number;

/** Each part is tried at the even width, or with a group less where that is all of it. */
async function measurePrices(even: ChosenWidths, meter: DriftMeter): Promise<Prices | null> {
  const tried = Array.from(even, ([part, kept]): [MeasuredPart, number] => {
    const fewest = part.kind === 'attention' ? part.nGroups - 1 : part.nGroups - STEP_CHANNELS;
    return [part, Math.max(1, Math.min(kept, fewest))];
  }).filter(([part, kept]) => kept < part.nGroups);
  const drifts = await meter.alone(tried);
  if (!drifts) return null;
  const measured = new Map(
    tried.map(([part, kept], i) => {
      const gone = part.nGroups - kept;
      const error = part.curve.errors[gone] || 1;
      const params = gone * part.paramsPerGroup;
      return [part, { drift: Math.max(0, drifts[i] ?? 0), error, params }];
    }),
  );
  const layers = tried.map(([{ layer }]) => layer);
  const [first, last] = [Math.min(...layers), Math.max(...layers)];
  return (part, { sharpness, heads, depth }) => {
    const own = measured.get(part);
    if (!own) return 0;
    const place = (part.layer - first) / (last - first || 1);
    const doublings = depth * place + (part.kind === 'attention' ? heads : 0);
    return (own.drift ** sharpness * own.params ** (1 - sharpness) * 2 ** doublings) / own.error;
  };
}
