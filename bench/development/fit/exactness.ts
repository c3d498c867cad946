// Predicted weights and KV cache against what llama.cpp allocates, to the byte, in each pool: every
// sample, context and type of KV cache that is asked for.
// Where llama.cpp refuses a type for a head's size, prediction has to refuse it, too.
import type { MemoryPredictor } from '../../../devices/memory/memory-prediction.js';
import type { MemoryBreakdown } from '../../../llama/memory-breakdown.js';
import { N_UBATCH } from '../../../llama/model-settings.js';
import type { Backend, KvType } from '../../../llama/settings.js';
import { readGgufFile } from '../../../model/gguf/gguf-file.js';
import { type SizedModel, sizedModelOfGguf } from '../../../model/shape/sized-model.js';
import { type Allocated, allocate, type KvContext } from './allocation.js';

export const CONTEXTS = [256, 512, 700, 1024, 2048, 4096];
export const KV_TYPES: KvType[] = ['F16', 'Q8_0', 'Q4_0'];

export type SizeComparison = {
  /** Held against each other; a refusal that was right counts. */
  compared: number;
  /** In words, one a difference. */
  differences: string[];
  /** Largest distance of the compute buffers, which are not promised to the byte. */
  computeOffBytes: number;
};

/** All of `contexts` of one model. */
export async function compareMemory(
  predictor: MemoryPredictor,
  model: Allocated,
  contexts: readonly KvContext[],
  signal: AbortSignal,
): Promise<SizeComparison> {
  const sized = sizedModelOfGguf(await readGgufFile(model.modelPath));
  const [possible, refused] = split(contexts, (context) => canHave(sized, context.kvType));
  const found: SizeComparison = { compared: 0, differences: [], computeOffBytes: 0 };
  const breakdowns = await allocate(model, possible, signal);
  for (const [i, context] of possible.entries()) {
    const predicted = await predict(predictor, sized, model, context);
    hold(found, `${context.nCtx} ${context.kvType}`, predicted, breakdowns[i] as MemoryBreakdown);
  }
  for (const context of refused) {
    found.compared++;
    const wasRefused = await predict(predictor, sized, model, context).then(
      () => false,
      () => true,
    );
    if (!wasRefused) found.differences.push(`${context.kvType} is predicted, but not possible`);
  }
  return found;
}

/** Blocks of 32 in a head. */
function canHave({ shape }: SizedModel, kvType: KvType): boolean {
  return kvType === 'F16' || kvType === 'F32' || shape.headSize % 32 === 0;
}

async function predict(
  predictor: MemoryPredictor,
  sized: SizedModel,
  { backend, gpuLayers, mmap }: { backend: Backend; gpuLayers: number; mmap: boolean },
  { nCtx, kvType }: KvContext,
): Promise<MemoryBreakdown> {
  const nBatch = Math.min(N_UBATCH, nCtx);
  const settings = { backend, nCtx, kvType, gpuLayers, mmap, nBatch, flashAttention: true };
  const { host, device } = await predictor.predict(sized, settings);
  return { host, device: device ?? { weightsBytes: 0, kvBytes: 0, computeBytes: 0 } };
}

function hold(
  found: SizeComparison,
  what: string,
  predicted: MemoryBreakdown,
  allocated: MemoryBreakdown,
): void {
  found.compared++;
  for (const pool of ['host', 'device'] as const) {
    for (const part of ['weightsBytes', 'kvBytes'] as const) {
      const [ours, theirs] = [predicted[pool][part], allocated[pool][part]];
      if (ours !== theirs)
        found.differences.push(`${what}: ${pool} ${part} predicted ${ours}, allocated ${theirs}`);
    }
    const offBytes = Math.abs(predicted[pool].computeBytes - allocated[pool].computeBytes);
    found.computeOffBytes = Math.max(found.computeOffBytes, offBytes);
  }
}

function split<T>(values: readonly T[], test: (value: T) => boolean): [T[], T[]] {
  return [values.filter(test), values.filter((value) => !test(value))];
}
