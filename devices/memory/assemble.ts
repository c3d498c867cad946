// A prediction from its parts: weights by arithmetic, a planned context, overhead from its table.
// Two plans come here: of a dry run that is asked beforehand, and of the one that node-llama-cpp makes
// itself when it loads.
import type { Backend } from '../../llama/settings.js';
import type { ModelShape } from '../../model/shape/model-shape.js';
import type { SizedModel } from '../../model/shape/sized-model.js';
import { kvCacheBytes } from './kv-cache.js';
import type { MemoryParts, MemoryPrediction, MemorySettings, Pool } from './memory-prediction.js';
import { type ResolvedSettings, resolveSettings } from './resolved-settings.js';
import { weightBytes } from './weights.js';

export type ContextPlan = {
  kv: Record<Pool, number>;
  compute: Record<Pool, number>;
  source: MemoryPrediction['computeSource'];
};

const MIB = 2 ** 20;

/**
 * What is taken before any model is, one figure a backend; how far others are from it is what a fit's
 * margin is for. The display and other programs are not in it: a device's `reservedBytes` says those.
 * `host`: resident memory of the engine's process beyond weights, KV and compute buffers, after an
 * answer, on Linux x64 (measured with this engine: 93 to 109 MiB on the CPU, 157 to 165 MiB beside
 * Vulkan's driver; CUDA's and Metal's are taken to be as large).
 * `device`: CUDA's context took 107 MiB on an RTX 4060 Ti and 555 MiB on an RTX PRO 6000, by count of
 * multiprocessors (https://github.com/ggml-org/llama.cpp/pull/23604); 330 MiB with work areas on a
 * 24 GB card (https://github.com/unslothai/unsloth/pull/6718). Cards of 8 and 12 GB are near the first.
 */
const OVERHEADS: Readonly<Record<Backend, Record<Pool, number>>> = {
  cpu: { host: 100 * MIB, device: 0 },
  cuda: { host: 160 * MIB, device: 200 * MIB },
  vulkan: { host: 160 * MIB, device: 100 * MIB },
  metal: { host: 160 * MIB, device: 50 * MIB },
};

export function assemble(
  model: SizedModel,
  settings: ResolvedSettings,
  { kv, compute, source }: ContextPlan,
): MemoryPrediction {
  const { backend, gpuLayers, nCtx, nCells } = settings;
  const weights = weightBytes(model, settings);
  const overhead = OVERHEADS[backend];
  const parts = (pool: Pool): MemoryParts => ({
    weightsBytes: weights[pool],
    kvBytes: kv[pool],
    computeBytes: compute[pool],
    overheadBytes: overhead[pool],
    totalBytes: weights[pool] + kv[pool] + compute[pool] + overhead[pool],
  });
  return {
    device: backend === 'cpu' ? null : parts('device'),
    host: parts('host'),
    ...{ gpuLayers, nCtx, nCells, computeSource: source },
  };
}

/** Of llama.cpp's own plan: `contextBytes` is KV cache and compute buffers in one. */
export function plannedContext(
  shape: ModelShape,
  settings: ResolvedSettings,
  contextBytes: Record<Pool, number>,
): ContextPlan {
  const kv = kvCacheBytes(shape, settings);
  const compute = { device: contextBytes.device - kv.device, host: contextBytes.host - kv.host };
  return { kv, compute, source: 'dry-run' };
}

/** The prediction where llama.cpp has planned already. Throws `MemoryPredictionError`. */
export function predictPlanned(
  model: SizedModel,
  settings: MemorySettings & { flashAttention: boolean },
  contextBytes: Record<Pool, number>,
): MemoryPrediction {
  const resolved = resolveSettings(model, settings);
  return assemble(model, resolved, plannedContext(model.shape, resolved, contextBytes));
}
