// llama.cpp's own conversion and quantisation kernels, called in the library that node-llama-cpp
// ships, and vector kernels in their place where those give the same bytes: what is quantised here is
// what stock llama-quantize writes on x64, bit for bit. Does not choose types and knows no tensors, only rows.
import { type Kernels, loadNativeKernels } from '../../llama/ggml-kernels.js';
import { loadPortableKernels } from './portable/portable-kernels.js';
import { preferSimd } from './simd/self-check.js';

let loaded: Kernels | undefined;

/**
 * The kernels of this machine's platform. A process whose threads use them loads them in its main
 * thread first, so that no ending thread unloads the library. Throws {@link KernelsError}.
 */
export function loadKernels(): Kernels {
  if (!loaded) {
    const kernels = kernelsFor(process.arch);
    loaded = { ...kernels, toType: preferSimd(kernels.toType) };
  }
  return loaded;
}

/**
 * For x64 llama.cpp is compiled without instructions that multiply and add in one, elsewhere with
 * them, which rounds once where two operations round twice: other bytes of the same quality.
 */
function kernelsFor(arch: NodeJS.Architecture): Kernels {
  const native = loadNativeKernels();
  return arch === 'x64' ? native : loadPortableKernels(native);
}
