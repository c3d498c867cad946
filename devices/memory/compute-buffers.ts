// Compute buffers where llama.cpp's dry run is another backend's or none: activations of one batch,
// the logits, the attention mask, and what CUDA adds for a quantised KV cache.
// The formula is held against dry runs; it errs to the large side.
import type { ModelShape } from '../../model/shape/model-shape.js';
import type { Pool } from './memory-prediction.js';
import type { ResolvedSettings } from './resolved-settings.js';

const FLOAT_BYTES = 4;
const HALF_BYTES = 2;

type PromptShape = Pick<ResolvedSettings, 'nCells' | 'nBatch' | 'kvType' | 'gpuLayers' | 'backend'>;

/** Without any dry run. */
export function estimateCompute(shape: ModelShape, options: PromptShape): Record<Pool, number> {
  const { nBatch, nCells } = options;
  const activations = Math.max(shape.nVocab, 4 * shape.nEmbd + 2 * Math.max(...shape.nFf));
  const one = nBatch * (FLOAT_BYTES * (activations + 2 * shape.nEmbd) + HALF_BYTES * nCells);
  return moveToGpu(shape, one, options);
}

/**
 * What a GPU takes, from what the CPU takes for the same graph: nearly all of it. The inputs, which the
 * CPU prepares and hands over, are in both.
 */
export function moveToGpu(
  shape: ModelShape,
  cpuBytes: number,
  options: PromptShape,
): Record<Pool, number> {
  if (options.backend === 'cpu') return { device: 0, host: cpuBytes };
  const { nBatch, nCells } = options;
  const inputs = nBatch * (2 * FLOAT_BYTES * shape.nEmbd + HALF_BYTES * nCells);
  const nGpu = options.gpuLayers;
  return {
    device: cpuBytes + dequantisedKvBytes(shape, options),
    host: nGpu > shape.nLayer ? Math.min(inputs, cpuBytes) : cpuBytes,
  };
}

/**
 * CUDA's kernels for prompts read keys and values in half precision, and write one layer's of another
 * type out. Source: ggml_cuda_flash_attn_ext_get_alloc_size in ggml/src/ggml-cuda/fattn.cu.
 */
function dequantisedKvBytes(shape: ModelShape, options: PromptShape): number {
  if (options.backend !== 'cuda' || options.kvType === 'F16') return 0;
  return 2 * HALF_BYTES * options.nCells * shape.headSize * Math.max(...shape.nHeadKv);
}
