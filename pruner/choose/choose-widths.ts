// The widths of every part: hearth's own for a target, or the same for every layer where they are given.
// What a unit of lost output costs the model is taken to be its share of the layer's output.
import { CheckpointError } from '../../model/checkpoint/checkpoint-error.js';
import type { LlamaModel } from '../../model/shape/llama-model.js';
import type { FileType } from '../../model/types/mixtures.js';
import { planQuantisation } from '../../model/types/quantise-plan.js';
import type { MeasuredPart } from '../measured-part.js';
import type { Narrowable, Widths } from './allocate.js';
import { meetTarget, type Target } from './target.js';

/** First and last pruned layer, from 0, both of them pruned. */
export type LayerRange = { first: number; last: number };

export type UniformWidths = { nHeadKv: number; nFf: number };

export type WidthsOptions = {
  model: LlamaModel;
  checkpoint: string;
  target: Target;
  uniform: UniformWidths | null;
  type: FileType;
};

/** Every layer keeps an eighth of its channels. */
const LEAST_SHARE = 1 / 8;
/** Blocks of the types that take any width that they divide. */
const STEP_CHANNELS = 32;

/** KV heads or channels that are kept, by part. Throws {@link CheckpointError}. */
export async function chooseWidths(
  parts: readonly MeasuredPart[],
  options: WidthsOptions,
): Promise<ReadonlyMap<MeasuredPart, number>> {
  const { uniform, target, model, checkpoint, type } = options;
  if (uniform) return uniformWidths(parts, uniform, checkpoint);
  const narrowable = parts.map((part) => ({ ...part, part, ...stepsOf(part) }));
  const fileBytes = (widths: Widths<Chosen>) =>
    planQuantisation(narrowed(model, widths), type).weightsBytes;
  const found = meetTarget<Chosen>(narrowable, target, { model, path: checkpoint, fileBytes });
  return new Map(Array.from(found, ([{ part }, kept]) => [part, kept]));
}

type Chosen = Narrowable & { part: MeasuredPart };

function stepsOf({ kind, nGroups, outputVariance }: MeasuredPart) {
  const price = outputVariance > 0 ? 1 / outputVariance : 0;
  return kind === 'attention'
    ? { least: 1, step: 1, price }
    : { least: leastChannels(nGroups), step: STEP_CHANNELS, price };
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
): Map<MeasuredPart, number> {
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
