// All parts that become narrower, repaired one after the other: what they keep, and the weights that take
// over, in the scratch file. The same as a change that a trial makes, and as what convert writes.
import type { KeptParts, Pruning } from '../../model/checkpoint/pruned-checkpoint.js';
import type { TensorSource } from '../../model/checkpoint/tensor-source.js';
import type { GgufMetadata } from '../../model/gguf/gguf-metadata.js';
import type { LlamaModel } from '../../model/shape/llama-model.js';
import type { Calibration } from '../calibration-file.js';
import { keptGroups } from '../choose/allocate.js';
import type { DenseModel } from '../dense-model.js';
import type { Multiply } from '../linear/least-squares.js';
import { type MeasuredPart, readInput, statisticsOf } from '../measured-part.js';
import type { Scratch } from '../scratch.js';
import type { PartChange } from '../trial/trial-protocol.js';
import { type Repaired, type RepairOptions, repairLinear } from './repair-linear.js';

export type RepairedPart = Pick<Repaired, 'mode' | 'ridge' | 'heldOutError'> & {
  part: MeasuredPart;
  /** KV heads or channels that are kept, ascending. */
  groups: number[];
  /** Input columns that are kept. */
  kept: Uint32Array;
  columns: TensorSource;
  bias: { source: TensorSource; values: Float32Array } | null;
  /** What repairing took. */
  durationMs: number;
};

export type RepairTools = {
  dense: DenseModel;
  calibration: Calibration;
  multiply: Multiply;
  scratch: Scratch;
};

/** `part` with `nKept` of its groups; null where that is all of them. */
export async function repairPart(
  { dense, calibration, multiply, scratch }: RepairTools,
  part: MeasuredPart,
  { nKept, ...options }: { nKept: number } & Pick<RepairOptions, 'mode' | 'ridges'>,
): Promise<RepairedPart | null> {
  if (nKept >= part.nGroups) return null;
  const begun = performance.now();
  const groups = keptGroups(part, nKept);
  const kept = columnsOf(groups, part.groupSize);
  const weight = dense.readWeight(`${part.module}.weight`);
  const input = await readInput(statisticsOf(calibration, part));
  const repaired = await repairLinear(weight, input, { ...options, kept, multiply });
  const bias = repaired.bias && addBias(repaired.bias, dense.readBias(`${part.module}.bias`));
  return {
    ...{ part, groups, kept, mode: repaired.mode, ridge: repaired.ridge },
    heldOutError: repaired.heldOutError,
    columns: scratch.store(`${part.module}.weight`, repaired.columns),
    bias: bias && { source: scratch.store(`${part.module}.bias`, bias), values: bias },
    durationMs: performance.now() - begun,
  };
}

function addBias(bias: Float32Array, own: Float32Array | null): Float32Array {
  return own ? bias.map((value, i) => value + (own[i] as number)) : bias;
}

export function columnsOf(groups: readonly number[], groupSize: number): Uint32Array {
  return Uint32Array.from(
    groups.flatMap((group) => Array.from({ length: groupSize }, (_, i) => group * groupSize + i)),
  );
}

/** As a trial sets it in the unpruned model. */
export function asChange({ part, kept, columns, bias }: RepairedPart): PartChange {
  const [nRows = 0] = columns.shape;
  return {
    ...{ ggufName: part.ggufName, kept, nRows, nCols: part.nGroups * part.groupSize },
    columns: { filePath: columns.filePath, offsetBytes: columns.offsetBytes },
    bias: bias?.values ?? null,
  };
}

/** As convert takes it. */
export function asPruning(
  { layers }: LlamaModel,
  repaired: readonly RepairedPart[],
  metadata: GgufMetadata,
): Pruning {
  const kept: KeptParts[] = layers.map(({ nHeadKv, nFf }) => ({
    kvHeads: upTo(nHeadKv),
    channels: upTo(nFf),
  }));
  const replaced = new Map<string, TensorSource>();
  for (const { part, groups, columns, bias } of repaired) {
    const layer = kept[part.layer] as KeptParts;
    kept[part.layer] =
      part.kind === 'attention' ? { ...layer, kvHeads: groups } : { ...layer, channels: groups };
    replaced.set(columns.name, columns);
    if (bias) replaced.set(bias.source.name, bias.source);
  }
  return { layers: kept, replaced, metadata };
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
