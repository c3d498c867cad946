// A prediction from its parts: weights by arithmetic, a planned context, overhead from its table.
// Two plans come here: of a dry run that is asked beforehand, and of the one that node-llama-cpp makes
// itself when it loads. Asks nobody.
import type { SizedModel } from '../../model/shape/sized-model.js';
import { kvCacheBytes } from './kv-cache.js';
import type { MemoryParts, MemoryPrediction, MemorySettings } from './memory-prediction.js';
import { overheadBytes } from './overhead.js';
import type { Pool } from './placement.js';
import { type ResolvedSettings, resolveSettings } from './resolved-settings.js';
import { weightBytes } from './weights.js';

export type ContextPlan = {
  kv: Record<Pool, number>;
  compute: Record<Pool, number>;
  source: MemoryPrediction['computeSource'];
};

export function assemble(
  model: SizedModel,
  settings: ResolvedSettings,
  { kv, compute, source }: ContextPlan,
): MemoryPrediction {
  const { backend, gpuLayers, nCtx, nCells } = settings;
  const weights = weightBytes(model, settings);
  const overhead = overheadBytes(backend);
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

/**
 * The prediction where llama.cpp has planned already: `contextBytes` is KV cache and compute buffers
 * in one. Throws `MemoryPredictionError`.
 */
export function predictPlanned(
  model: SizedModel,
  settings: MemorySettings & { flashAttention: boolean },
  contextBytes: Record<Pool, number>,
): MemoryPrediction {
  const resolved = resolveSettings(model, settings);
  const kv = kvCacheBytes(model.shape, resolved);
  const compute = {
    device: contextBytes.device - kv.device,
    host: contextBytes.host - kv.host,
  };
  return assemble(model, resolved, { kv, compute, source: 'dry-run' });
}
