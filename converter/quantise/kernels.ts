// llama.cpp's own conversion and quantisation kernels, called in the library that node-llama-cpp
// ships, and vector kernels in their place where those give the same bytes: what is quantised here is
// what stock llama-quantize writes, bit for bit. Does not choose types and knows no tensors, only rows.
import { type Kernels, loadNativeKernels } from '../../llama/ggml-kernels.js';
import { preferSimd } from './simd/self-check.js';

let loaded: Kernels | undefined;

/**
 * The kernels of this machine's platform. A process whose threads use them loads them in its main
 * thread first, so that no ending thread unloads the library. Throws {@link KernelsError}.
 */
export function loadKernels(): Kernels {
  if (!loaded) {
    const kernels = loadNativeKernels();
    loaded = { ...kernels, toType: preferSimd(kernels.toType) };
  }
  return loaded;
}
