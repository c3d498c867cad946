// What the loaded model was predicted to take, for the log to lay beside what it took.
// node-llama-cpp had llama.cpp plan this very context before it was allocated, and keeps the answer;
// weights and KV cache are arithmetic. A model that cannot be predicted has no prediction.
import type { LlamaContext, LlamaModel } from 'node-llama-cpp';
import { predictPlanned } from '../../../devices/memory/assemble.js';
import type { MemorySettings } from '../../../devices/memory/memory-prediction.js';
import { ggmlTypeId } from '../../../llama/ggml-types.js';
import { type GgufFile, GgufFileError } from '../../../model/gguf/gguf-file.js';
import { sizedModelOfGguf } from '../../../model/shape/sized-model.js';
import type { EngineOptions, PredictedMemory } from '../engine.js';
import { hasDevice } from './open-llama.js';

type ContextParts = {
  file: GgufFile;
  options: EngineOptions;
  model: LlamaModel;
  context: LlamaContext;
  /** As llama.cpp found it. */
  flashAttention: boolean;
};

export async function predictedMemory(parts: ContextParts): Promise<PredictedMemory | null> {
  try {
    return sumPools(await predict(parts));
  } catch (error) {
    if (error instanceof GgufFileError || error instanceof PlanError) return null;
    throw error;
  }
}

/** node-llama-cpp cannot plan a context like this one. */
class PlanError extends Error {}

async function predict({ file, options, model, context, flashAttention }: ContextParts) {
  const { kvType = 'F16', flashAttention: asked = 'auto' } = options;
  const { contextSize: nCtx, totalSequences: parallel } = context;
  const { gpu } = model.llama;
  const hasGpu = gpu !== false && (await hasDevice(model.llama));
  const settings = {
    backend: hasGpu ? gpu : 'cpu',
    nCtx,
    parallel,
    kvType,
    flashAttention,
    gpuLayers: model.gpuLayers,
    mmap: model.useMmap,
  } satisfies MemorySettings;
  const planned = await model.fileInsights
    .estimateContextResourceRequirementsV2({
      contextSize: nCtx,
      modelGpuLayers: model.gpuLayers,
      batchSize: context.batchSize,
      sequences: parallel,
      flashAttention: asked,
      kvCacheKeyType: ggmlTypeId(kvType),
      kvCacheValueType: ggmlTypeId(kvType),
    })
    .catch((cause: Error) => {
      throw new PlanError(cause.message, { cause });
    });
  const { gpuVram: device, cpuRam: host } = planned;
  return predictPlanned(sizedModelOfGguf(file), settings, { device, host });
}

function sumPools({ device, host }: ReturnType<typeof predictPlanned>): PredictedMemory {
  const sum = (part: keyof PredictedMemory) => (device?.[part] ?? 0) + host[part];
  return {
    weightsBytes: sum('weightsBytes'),
    kvBytes: sum('kvBytes'),
    computeBytes: sum('computeBytes'),
    totalBytes: sum('totalBytes'),
  };
}
