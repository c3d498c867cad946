// Every model that LLM-Pruner can make of a base, in every type: parameters, widths, file size.
// The converter's own plan says the sizes, so that what is promised here is what convert writes.
import { ggufSizes } from '../../model/gguf/gguf-header.js';
import type { LlamaModel } from '../../model/shape/llama-model.js';
import { modelMetadata } from '../../model/shape/model-metadata.js';
import { type FileType, fileTypesFor } from '../../model/types/mixtures.js';
import { planQuantisation, type QuantisePlan } from '../../model/types/quantise-plan.js';
import type { BaseModel } from './base-model.js';
import { defaultLayers, type LayerRange, pruneBlocks } from './block-pruning.js';
import { type PublishedPerplexity, publishedPerplexity } from './published.js';

/** `--pruning_ratio` of the models that a plan compares: 0 to 60 % by 5. */
export const RATIOS = Array.from({ length: 13 }, (_, i) => (5 * i) / 100);

export type PrunedCandidate = {
  ratio: number;
  /** Pruned layers; null where nothing is pruned. */
  layers: LayerRange | null;
  model: LlamaModel;
  /** Share of the parameters that goes, 0 to 1. */
  removed: number;
  perplexity: PublishedPerplexity | null;
};

export type SizedCandidate = {
  fileType: FileType;
  plan: QuantisePlan;
  /** The tensors, aligned, to the byte. */
  tensorBytes: number;
  /** With the header; its names and digests may differ by a few kilobytes. */
  fileBytes: number;
};

/** The models of `ratios`, least pruned first. `layers` replaces LLM-Pruner's own ranges. */
export function prunedCandidates(
  base: BaseModel,
  {
    ratios = RATIOS,
    layers,
  }: { ratios?: readonly number[] | undefined; layers?: LayerRange | undefined } = {},
): PrunedCandidate[] {
  return ratios.map((ratio) => {
    const range = layers ?? defaultLayers(base.model.layers.length, ratio);
    const model = pruneBlocks(base.model, { ratio, layers: range });
    return {
      ratio,
      layers: ratio === 0 ? null : range,
      model,
      removed: 1 - model.nParams / base.model.nParams,
      perplexity: publishedPerplexity(base.shape, ratio, range),
    };
  });
}

/** `model` in each of `types`, best quality first. */
export function sizedCandidates(
  model: LlamaModel,
  tokenizerBytes: number,
  types: readonly FileType[] = fileTypesFor({ hasImatrix: false }),
): SizedCandidate[] {
  return types.map((fileType) => {
    const plan = planQuantisation(model, fileType);
    const metadata = modelMetadata(model, plan.widths);
    const { headerBytes, fileBytes } = ggufSizes(metadata, plan.tensors);
    return {
      fileType,
      plan,
      tensorBytes: fileBytes - headerBytes,
      fileBytes: fileBytes + tokenizerBytes,
    };
  });
}
