// Where llama.cpp puts a tensor and how much it allocates for it. Layers go to the GPU from the last
// one on, with the output as the very last; splitting over several GPUs is not modelled. Tensors lie one
// after the other, each rounded up to the backend's alignment, some padded for its kernels.
// Source: load_tensors in src/llama-model.cpp; get_alignment and get_alloc_size of each backend in ggml/src.
import { type AnyGgmlType, isQuantised, rowSizeBytes } from '../../llama/ggml-types.js';
import type { Backend } from '../../llama/settings.js';
import { roundUp } from '../../model/round-up.js';
import type { Pool } from './memory-prediction.js';

/** Bytes; Vulkan's differs by driver (4 to 64), and real tensors are multiples of them all. */
const ALIGNMENTS: Readonly<Record<Backend, number>> = {
  cpu: 32,
  cuda: 128,
  vulkan: 16,
  metal: 32,
};

/** CUDA's kernels read quantised rows in steps of this many weights, past the end of the last one. */
const CUDA_ROW_WEIGHTS = 512;

/** Where layer `layer` lies; `nLayer` is the output. */
export function poolOfLayer(nLayer: number, gpuLayers: number, layer: number): Pool {
  return layer >= nLayer + 1 - gpuLayers ? 'device' : 'host';
}

/** Bytes allocated for a tensor of `sizeBytes` with rows of `nPerRow`. */
export function allocatedBytes(
  backend: Backend,
  { type, nPerRow, sizeBytes }: { type: AnyGgmlType; nPerRow: number; sizeBytes: number },
): number {
  const excess = nPerRow % CUDA_ROW_WEIGHTS;
  const isPadded = backend === 'cuda' && isQuantised(type) && excess > 0 && sizeBytes > 0;
  const padding = isPadded ? rowSizeBytes(type, CUDA_ROW_WEIGHTS - excess) : 0;
  return roundUp(sizeBytes + padding, ALIGNMENTS[backend]);
}
