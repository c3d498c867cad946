// llama.cpp's own conversion and quantisation kernels, called in the library that node-llama-cpp
// ships, and vector kernels in their place where those give the same bytes: what is quantised here is
// what stock llama-quantize writes, bit for bit. Does not choose types and knows no tensors, only rows.
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import koffi from 'koffi';
import { GGML_TYPES } from '../../devices/ggml-types.js';
import { preferSimd, type Quantise } from './simd/index.js';

export type Kernels = {
  /** `n` half-precision numbers at `source` as float32 at `target`. */
  fromF16(source: Uint8Array, target: Float32Array, n: number): void;
  fromBf16(source: Uint8Array, target: Float32Array, n: number): void;
  toType: Quantise;
};

/** Thrown where the native library is not there, with what to do. */
export class KernelsError extends Error {
  readonly code = 'HEARTH_KERNELS';
}

/** Kept for good: the library aborts the process when it is loaded again after it was unloaded. */
let native: Kernels | undefined;
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

/** llama.cpp's alone, to compare with. */
export function loadNativeKernels(): Kernels {
  native ??= bindKernels();
  return native;
}

function bindKernels(): Kernels {
  const library = koffi.load(findLlamaLibrary('ggml-base'));
  const fromF16 = library.func('void ggml_fp16_to_fp32_row(const uint8_t *x, float *y, int64_t n)');
  const fromBf16 = library.func(
    'void ggml_bf16_to_fp32_row(const uint8_t *x, float *y, int64_t n)',
  );
  const toF16 = library.func('void ggml_fp32_to_fp16_row(const float *x, uint8_t *y, int64_t n)');
  // The _ref form rounds alike on every machine, as llama-quantize does.
  const toBf16 = library.func(
    'void ggml_fp32_to_bf16_row_ref(const float *x, uint8_t *y, int64_t n)',
  );
  const quantize = library.func(
    'size_t ggml_quantize_chunk(int type, const float *x, uint8_t *y, int64_t start, int64_t nrows, int64_t n_per_row, const float *imatrix)',
  );
  return {
    fromF16,
    fromBf16,
    toType(type, source, target, nRows, nPerRow) {
      const n = nRows * nPerRow;
      if (type === 'F32') target.set(new Uint8Array(source.buffer, source.byteOffset, 4 * n));
      else if (type === 'F16') toF16(source, target, n);
      else if (type === 'BF16') toBf16(source, target, n);
      else quantize(GGML_TYPES[type].id, source, target, 0, nRows, nPerRow, null);
    },
  };
}

const PLATFORMS: Readonly<Record<string, string>> = { darwin: 'mac', win32: 'win', linux: 'linux' };

/**
 * One of llama.cpp's libraries, such as `ggml-base`, in the package of prebuilt binaries from which
 * node-llama-cpp loads it, too; of the package for `gpu` where one is named. Throws {@link KernelsError}.
 */
export function findLlamaLibrary(name: string, gpu?: 'cuda' | 'vulkan'): string {
  const platform = `${PLATFORMS[process.platform]}-${process.arch === 'arm' ? 'armv7l' : process.arch}`;
  const all = process.platform === 'darwin' ? ['', '-metal'] : ['', '-vulkan', '-cuda'];
  const variants = gpu === undefined ? all : [`-${gpu}`];
  const { resolve } = createRequire(import.meta.resolve('node-llama-cpp'));
  for (const variant of variants)
    for (const folder of resolve.paths(`@node-llama-cpp/${platform}${variant}`) ?? []) {
      const binaries = path.join(
        folder,
        `@node-llama-cpp/${platform}${variant}/bins/${platform}${variant}`,
      );
      const file = existsSync(binaries) && readdirSync(binaries).find(isLibrary(name));
      if (file) return path.join(binaries, file);
    }
  throw new KernelsError(
    `llama.cpp's library for ${platform} is not installed; run npm install without --omit=optional`,
  );
}

/** `libggml-base.so`, and with llama.cpp's release in the name `libllama.v0.5.0.so`. */
function isLibrary(name: string): (file: string) => boolean {
  const pattern = new RegExp(`^(lib)?${name}(\\.[\\w.]+)?\\.(so|dylib|dll)$`);
  return (file) => pattern.test(file);
}
