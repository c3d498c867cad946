// The KV cache, layer by layer: pruned layers have fewer heads, so each has a size of its own.
// Source: llama_kv_cache in src/llama-kv-cache.cpp, and how node-llama-cpp rounds the context.
// Plain attention only: no sliding window, no recurrent state.
import { isQuantised, rowSizeBytes } from '../../llama/ggml-types.js';
import type { ModelShape } from '../../model/shape/model-shape.js';
import { allocatedBytes, poolOfLayer } from './buffers.js';
import { MemoryPredictionError, type Pool } from './memory-prediction.js';
import type { ResolvedSettings } from './resolved-settings.js';

const CELL_STEP = 256;

/** Cells of one sequence. */
export function cellsOf(nCtx: number): number {
  return Math.ceil(nCtx / CELL_STEP) * CELL_STEP;
}

type KvOptions = Pick<
  ResolvedSettings,
  'backend' | 'nCtx' | 'parallel' | 'kvType' | 'gpuLayers' | 'flashAttention'
>;

/** Bytes of keys and values in each pool. Throws {@link MemoryPredictionError}. */
export function kvCacheBytes(shape: ModelShape, options: KvOptions): Record<Pool, number> {
  checkKvType(shape, options);
  const { nCtx, parallel, kvType, gpuLayers, backend } = options;
  const cells = cellsOf(nCtx) * parallel;
  const sums = { device: 0, host: 0 };
  // Without flash attention values lie transposed, and every layer is as wide as the widest.
  const widestV = shape.headSize * Math.max(...shape.nHeadKv);
  for (const [layer, nHeadKv] of shape.nHeadKv.entries()) {
    const pool = poolOfLayer(shape.nLayer, gpuLayers, layer);
    const nPerRow = nHeadKv * shape.headSize;
    for (const width of [nPerRow, options.flashAttention ? nPerRow : widestV])
      sums[pool] += allocatedBytes(pool === 'device' ? backend : 'cpu', {
        type: kvType,
        nPerRow: width,
        sizeBytes: cells * rowSizeBytes(kvType, width),
      });
  }
  return sums;
}

function checkKvType({ headSize }: ModelShape, { kvType, flashAttention }: KvOptions): void {
  if (!isQuantised(kvType)) return;
  if (headSize % KV_BLOCK !== 0)
    throw new MemoryPredictionError(
      `a KV cache of ${kvType} needs heads of a multiple of ${KV_BLOCK}, but the model's have ${headSize}; use F16`,
    );
  if (!flashAttention)
    throw new MemoryPredictionError(
      `a KV cache of ${kvType} needs flash attention, which is off or which this backend has not for heads of ${headSize}; use F16`,
    );
}

/** Of Q8_0 and Q4_0. */
const KV_BLOCK = 32;
