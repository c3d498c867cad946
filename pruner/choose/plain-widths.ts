// Widths that need no measurement: those that were given, and even ones, which the target alone tells.
// So they are known before any long work, and with them the size of the file.
import { CheckpointError } from '../../model/checkpoint/checkpoint-error.js';
import type { LlamaModel } from '../../model/shape/llama-model.js';
import type { FileType } from '../../model/types/mixtures.js';
import { planQuantisation, type QuantisePlan } from '../../model/types/quantise-plan.js';
import { formatCount, formatDisk } from '../../terminal/units.js';
import { type Part, STEP_CHANNELS } from '../dense-model.js';
import type { Stepped, Widths } from './allocate.js';
import { evenWidths } from './even-widths.js';
import { meetTarget, type Target } from './target.js';

export type UniformWidths = { nHeadKv: number; nFf: number };

/** KV heads or channels that are kept, by part. */
export type KeptWidths<P extends Part = Part> = ReadonlyMap<P, number>;

export type PlainOptions = {
  model: LlamaModel;
  checkpoint: string;
  target: Target;
  uniform: UniformWidths | null;
  type: FileType;
  /** Whether what stays takes over by a bias, which the file then holds. */
  hasBiases: boolean;
  /** Of the file, what is before the weights, at the most. */
  headerBytes: number;
};

/** What a file is planned by, beside its widths. */
export type PrunedFile = Pick<PlainOptions, 'model' | 'type' | 'hasBiases'>;

/** Throws {@link CheckpointError} where the target cannot be reached, or is met by the whole model. */
export function plainWidths<P extends Part>(
  parts: readonly P[],
  options: PlainOptions,
): Map<P, number> {
  const { uniform, checkpoint } = options;
  const stepped = parts.map(asStepped);
  const widths: Map<P, number> = uniform
    ? uniformWidths(parts, uniform, checkpoint)
    : meetWidths(stepped, options, (params) => evenWidths(stepped, params));
  if ([...widths].some(([{ nGroups }, kept]) => kept < nGroups)) return widths;
  const { model, headerBytes, type } = options;
  const sizeBytes = headerBytes + weightBytes(planPruned(widths, options));
  throw new CheckpointError(
    checkpoint,
    `nothing has to go: unpruned, it has ${formatCount(model.nParams)} weights and makes a file of at most ${formatDisk(sizeBytes)} as ${type}; hearth convert writes it, or ask for less`,
  );
}

export type SteppedPart<P extends Part> = Stepped & { part: P; kind: Part['kind'] };

export function asStepped<P extends Part>(part: P): SteppedPart<P> {
  const { kind, nGroups, paramsPerGroup } = part;
  const steps =
    kind === 'attention'
      ? { least: 1, step: 1 }
      : { least: leastChannels(nGroups), step: STEP_CHANNELS };
  return { part, kind, nGroups, paramsPerGroup, ...steps };
}

/** The widths that `remove` finds for the target. */
export function meetWidths<P extends Part, T extends SteppedPart<P>>(
  parts: readonly T[],
  options: PlainOptions,
  remove: (params: number) => Widths<T> | null,
): Map<P, number> {
  const { model, checkpoint, target, headerBytes } = options;
  const keptOf = (widths: Widths<T>) =>
    new Map(Array.from(widths, ([{ part }, kept]): [P, number] => [part, kept]));
  const fileBytes = (widths: Widths<T>) =>
    headerBytes + weightBytes(planPruned(keptOf(widths), options));
  return keptOf(meetTarget(parts, target, { model, path: checkpoint, fileBytes, remove }));
}

/** The plan of the file that those widths make. */
export function planPruned(widths: KeptWidths, options: PrunedFile): QuantisePlan {
  return planQuantisation(narrowed(widths, options), options.type, { hasImatrix: true });
}

/** GGUF starts every tensor at a multiple of it. */
const ALIGNMENT = 32;

/** Of a file, all that is behind the header. */
export function weightBytes({ tensors }: Pick<QuantisePlan, 'tensors'>): number {
  return tensors.reduce(
    (sum, { sizeBytes }) => sum + Math.ceil(sizeBytes / ALIGNMENT) * ALIGNMENT,
    0,
  );
}

/** Every layer keeps an eighth of its channels. */
const LEAST_SHARE = 1 / 8;

/** In whole steps, and one at the least. */
function leastChannels(nGroups: number): number {
  const steps = Math.max(1, Math.floor((nGroups * LEAST_SHARE) / STEP_CHANNELS));
  return Math.min(nGroups, steps * STEP_CHANNELS);
}

function uniformWidths<P extends Part>(
  parts: readonly P[],
  { nHeadKv, nFf }: UniformWidths,
  path: string,
): Map<P, number> {
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

/** The model with those widths. */
export function narrowed(widths: KeptWidths, { model, hasBiases }: PrunedFile): LlamaModel {
  const layers = model.layers.map((layer) => ({ ...layer }));
  const biases = new Set(model.biases);
  let { nParams } = model;
  for (const [part, kept] of widths) {
    const layer = layers[part.layer];
    if (!layer || kept === part.nGroups) continue;
    if (part.kind === 'ffn') layer.nFf = kept;
    else [layer.nHead, layer.nHeadKv] = [(layer.nHead / layer.nHeadKv) * kept, kept];
    if (hasBiases) biases.add(`${part.module}.bias`);
    nParams -= (part.nGroups - kept) * part.paramsPerGroup;
  }
  return { ...model, layers, biases, nParams };
}
