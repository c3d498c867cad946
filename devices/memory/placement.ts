// Which layers llama.cpp puts on the GPU: the last ones, with the output as the very last.
// The token embedding stays on the CPU, where looking up a row costs nothing.
// Source: load_tensors in src/llama-model.cpp. Splitting over several GPUs is not modelled.
import type { SizedModel } from '../../model/shape/sized-model.js';
import type { MemorySettings } from './memory-prediction.js';

export type Pool = 'device' | 'host';

/** Of `nLayer` + 1, the output counting as one; all of them by default. */
export function gpuLayersOf({ shape }: SizedModel, { backend, gpuLayers }: MemorySettings): number {
  if (backend === 'cpu') return 0;
  return Math.min(gpuLayers ?? Number.POSITIVE_INFINITY, shape.nLayer + 1);
}

/** Where layer `layer` lies; `nLayer` is the output. */
export function poolOfLayer(nLayer: number, gpuLayers: number, layer: number): Pool {
  return layer >= nLayer + 1 - gpuLayers ? 'device' : 'host';
}
