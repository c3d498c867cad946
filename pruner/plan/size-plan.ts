// How large the pruned file becomes, before any long work: its weights to the byte where the widths are
// known, and in any case what it will not exceed, whatever widths a search finds.
import { prepare } from '../../converter/prepare.js';
import type { LlamaModel } from '../../model/shape/llama-model.js';
import type { QuantisePlan } from '../../model/types/quantise-plan.js';
import {
  narrowed,
  type PlainOptions,
  type PrunedFile,
  plainWidths,
  planPruned,
  weightBytes,
} from '../choose/plain-widths.js';
import { paramsToRemove } from '../choose/target.js';
import { type Part, type PartKind, STEP_CHANNELS } from '../dense-model.js';

export type SizePlan = {
  /** The model by the widths that are known, or by even ones. */
  model: LlamaModel;
  quantised: QuantisePlan;
  /** Of the file behind its header. */
  weightsBytes: number;
  /** Whether nothing but these widths can come of it. */
  isExact: boolean;
  /** Of the file, header included. */
  mostBytes: number;
};

/** Throws `CheckpointError` where the target cannot be reached. */
export function planSize(
  parts: readonly Part[],
  { hasSearch, ...options }: PlainOptions & { hasSearch: boolean },
): SizePlan {
  const widths = plainWidths(parts, options);
  const quantised = planPruned(widths, options);
  const weightsBytes = weightBytes(quantised);
  const isExact = options.uniform !== null || !hasSearch;
  return {
    model: narrowed(widths, options),
    ...{ quantised, weightsBytes, isExact },
    mostBytes: isExact ? options.headerBytes + weightsBytes : mostBytesOf(parts, options),
  };
}

/**
 * Of the search's widths, it is known how many weights go at the least, but not from where. Whatever a weight
 * is taken to be worth, no file is larger than if every part had the width at which it has most bytes beside
 * what its removed weights are worth (Lagrange); the worth that makes this least is the bound.
 */
function mostBytesOf(parts: readonly Part[], options: PlainOptions): number {
  const { model, target, headerBytes } = options;
  if (target.kind === 'size') return target.sizeBytes;
  const removed = paramsToRemove(target, model) ?? 0;
  const biasBytes = options.hasBiases ? parts.length * 4 * model.nEmbd : 0;
  const dense = weightBytes(planPruned(new Map(), options)) + biasBytes;
  const byKind = {
    attention: savings(parts, 'attention', options),
    ffn: savings(parts, 'ffn', options),
  };
  const tables = parts.map(({ kind, layer }) => byKind[kind].get(layer) ?? []);
  const bounds = WORTHS.map((worth) => {
    const saved = tables.map((table) =>
      Math.min(0, ...table.map((s) => s.bytes - worth * s.params)),
    );
    return dense - worth * removed - saved.reduce((sum, bytes) => sum + bytes, 0);
  });
  return Math.ceil(headerBytes + Math.min(...bounds));
}

/** Bytes of a weight, up to those of F32. */
const WORTHS = Array.from({ length: 129 }, (_, i) => i / 32);

/** What a width of a part saves. */
type Saving = { params: number; bytes: number };

/** By layer, of every width: a row ends in whole blocks, so that bytes do not follow weights evenly. */
function savings(parts: readonly Part[], kind: PartKind, file: PrunedFile): Map<number, Saving[]> {
  const full = bytesByLayer(planPruned(new Map(), file));
  const tables = new Map<number, Saving[]>(parts.map(({ layer }) => [layer, []]));
  for (const kept of triedWidths(parts, kind)) {
    const own = parts.filter((part) => part.kind === kind && part.nGroups > kept);
    const narrow = planPruned(new Map(own.map((part) => [part, kept])), file);
    const left = bytesByLayer(narrow);
    for (const { layer, nGroups, paramsPerGroup } of own) {
      const bytes = (full.get(layer) ?? 0) - (left.get(layer) ?? 0);
      tables.get(layer)?.push({ params: (nGroups - kept) * paramsPerGroup, bytes });
    }
  }
  return tables;
}

function triedWidths(parts: readonly Part[], kind: PartKind): number[] {
  const most = Math.max(
    0,
    ...parts.filter((part) => part.kind === kind).map((part) => part.nGroups),
  );
  const step = kind === 'ffn' ? STEP_CHANNELS : 1;
  return Array.from({ length: Math.ceil(most / step) - 1 }, (_, i) => (i + 1) * step);
}

/** Of the matrices alone. */
function bytesByLayer({ tensors }: QuantisePlan): Map<number, number> {
  const bytes = new Map<number, number>();
  for (const { layer, nDims, sizeBytes } of tensors)
    if (layer !== null && nDims === 2) bytes.set(layer, (bytes.get(layer) ?? 0) + sizeBytes);
  return bytes;
}

/** As ranges of numbers, a group that is kept takes at most so much in the header. */
const BYTES_PER_GROUP = 4;
/** The name and the list of a part, and its bias among the tensors. */
const BYTES_PER_PART = 128;
/** Widths by layer where a dense model has one number for all. */
const BYTES_PER_LAYER = 16;
/** What the file says of its pruning and of the importance matrix. */
const PAIRS_BYTES = 2048;

/** What the pruned file has before its weights, at the most. Throws as `convert` does, for what it refuses. */
export async function headerBytesOf(
  parts: readonly Part[],
  options: Parameters<typeof prepare>[0],
): Promise<number> {
  const { layOut, model } = await prepare({ ...options, type: 'F16' });
  const nGroups = parts.reduce((sum, part) => sum + part.nGroups, 0);
  const ofParts = parts.length * BYTES_PER_PART + nGroups * BYTES_PER_GROUP;
  return layOut().header.length + ofParts + model.layers.length * BYTES_PER_LAYER + PAIRS_BYTES;
}
