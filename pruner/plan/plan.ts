// What a pruning is going to do, known before any long work: what goes, how large the file becomes, and what
// the model takes of its device.

import type { Device } from '../../devices/catalogue/device.js';
import type { Fit } from '../../devices/fit/fit.js';
import type { LayerRange } from '../../devices/plan/block-pruning.js';
import { openCheckpoint } from '../../model/checkpoint/checkpoint.js';
import { describeLlama, type LlamaModel } from '../../model/shape/llama-model.js';
import type { FileType } from '../../model/types/mixtures.js';
import { sizedModelOfPlan } from '../../model/types/sized-plan.js';
import { listParts } from '../dense-model.js';
import type { PruneOptions } from '../prune.js';
import { planRun } from './run-plan.js';
import { headerBytesOf, planSize, type SizePlan } from './size-plan.js';

export type PrunePlan = {
  model: LlamaModel;
  layers: LayerRange;
  denseType: FileType;
  nTokens: number;
  target: PruneOptions['target'];
  uniform: PruneOptions['uniform'];
  /** Of the file, what is before the weights, at the most. */
  headerBytes: number;
  size: SizePlan;
  fit: Fit;
};

/** What is asked, before it is planned. */
export type UnplannedOptions = Omit<PruneOptions, 'headerBytes' | 'quantised' | 'onTimes'>;

/** Throws as `convert` does, and `MemoryPredictionError`; `device` is null for this machine. */
export async function planPruning(
  options: UnplannedOptions,
  { device, nCtx }: { device: Device | null; nCtx: number | undefined },
): Promise<PrunePlan> {
  const { checkpoint, lora, tokenizer, chatTemplate, name, signal, searchMs } = options;
  const { type, layers, target, uniform, denseType, nTokens } = options;
  const model = describeLlama(await openCheckpoint(checkpoint, { signal }));
  const parts = listParts(model, layers);
  const source = { checkpoint, lora, tokenizer, chatTemplate, name, signal };
  const headerBytes = await headerBytesOf(parts, source);
  const size = planSize(parts, {
    ...{ model, checkpoint, target, uniform, type, headerBytes },
    hasSearch: searchMs > 0,
    hasBiases: options.repair !== 'none',
  });
  const fit = await planRun(sizedModelOfPlan(size.model, size.quantised), {
    ...{ device, nCtx },
    gpu: options.gpu,
  });
  return { model, layers, denseType, nTokens, target, uniform, headerBytes, size, fit };
}
