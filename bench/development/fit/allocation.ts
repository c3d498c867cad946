// What llama.cpp allocates for a model and its contexts, by its own count: the truth that predictions
// are held against. Asked of a process of its own, which llama.cpp may end.
// Predicts nothing.

import { ggmlTypeId } from '../../../llama/ggml-types.js';
import { runMeasuringProcess } from '../../../llama/measuring-process.js';
import type { MemoryBreakdown } from '../../../llama/memory-breakdown.js';
import { librariesFor } from '../../../llama/model-settings.js';
import type { Backend, KvType } from '../../../llama/settings.js';
import type { AllocationEvent, AllocationTask } from './allocation-protocol.js';

export type Allocated = {
  modelPath: string;
  backend: Backend;
  /** As llama.cpp counts them: the output is one. */
  gpuLayers: number;
  mmap: boolean;
};

export type KvContext = { nCtx: number; kvType: KvType };

const CHILD = new URL('./allocation-child.js', import.meta.url);

/** One breakdown a context. Throws MeasureError with what llama.cpp said, or how its process ended. */
export async function allocate(
  model: Allocated,
  contexts: readonly KvContext[],
  signal: AbortSignal,
): Promise<MemoryBreakdown[]> {
  const breakdowns: MemoryBreakdown[] = [];
  const task = taskOf(model, contexts);
  for await (const event of runMeasuringProcess<AllocationEvent>(CHILD, task, { signal }))
    if (event.kind === 'allocated') breakdowns.push(event.breakdown);
  return breakdowns;
}

function taskOf(
  { modelPath, backend, gpuLayers, mmap }: Allocated,
  contexts: readonly KvContext[],
): AllocationTask {
  const gpu = backend === 'cpu' ? false : backend;
  return {
    settings: {
      ...{ modelPath, gpu, libraries: librariesFor(gpu), gpuLayers, mmap },
      ...{ threads: 1, hasFixedThreads: true, flashAttention: true },
    },
    contexts: contexts.map(({ nCtx, kvType }) => ({ nCtx, kvTypeId: ggmlTypeId(kvType) })),
  };
}
