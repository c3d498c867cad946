// From the device backwards: which of the models that LLM-Pruner can make fits it, in which type.
// Every pair of ratio and type is asked, because a type that falls back on a width may be larger than
// the next better one. What fits is decided by fit/, in the same way for every command.
import type { SizedModel } from '../../model/shape/sized-model.js';
import { type FileType, fileTypesFor } from '../../model/types/mixtures.js';
import { sizedModelOfPlan } from '../../model/types/sized-plan.js';
import type { Fit } from '../fit/fit.js';
import type { BaseModel } from './base-model.js';
import type { LayerRange } from './block-pruning.js';
import {
  type PrunedCandidate,
  prunedCandidates,
  type SizedCandidate,
  sizedCandidates,
} from './candidates.js';

export type FittedCandidate = SizedCandidate & { fit: Fit };

/** One pruning ratio, in every type. */
export type PlanRow = PrunedCandidate & { types: FittedCandidate[] };

export type PlanRequest = {
  /** What a model takes of the device, and whether that is there. */
  fit: (model: SizedModel) => Promise<Fit>;
  ratios?: readonly number[] | undefined;
  layers?: LayerRange | undefined;
  types?: readonly FileType[] | undefined;
};

/** Least pruned first. */
export async function planForDevice(base: BaseModel, options: PlanRequest): Promise<PlanRow[]> {
  const { fit, ratios, layers, types = fileTypesFor({ hasImatrix: false }) } = options;
  const rows: PlanRow[] = [];
  for (const pruned of prunedCandidates(base, { ratios, layers })) {
    const fitted: FittedCandidate[] = [];
    for (const size of sizedCandidates(pruned.model, base.tokenizerBytes, types))
      fitted.push({
        ...size,
        fit: await fit(sizedModelOfPlan(pruned.model, size.plan, base.name)),
      });
    rows.push({ ...pruned, types: fitted });
  }
  return rows;
}

/** The first row that fits in this type, all layers on the device; null where none does. */
export function leastPruning(
  rows: readonly PlanRow[],
  fileType: FileType,
): { row: PlanRow; candidate: FittedCandidate } | null {
  for (const row of rows) {
    const candidate = row.types.find((size) => size.fileType === fileType);
    if (candidate?.fit.verdict.kind === 'fits') return { row, candidate };
  }
  return null;
}
