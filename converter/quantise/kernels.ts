// llama.cpp's own conversion and quantisation kernels, called in the library that node-llama-cpp
// ships: what is quantised here is what stock llama-quantize writes, bit for bit.
// Does not choose types and knows no tensors, only rows.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import koffi from 'koffi';
import { GGML_TYPES, type GgmlType } from '../../devices/index.js';

export type Kernels = {
  /** `n` half-precision numbers at `source` as float32 at `target`. */
  fromF16(source: Uint8Array, target: Float32Array, n: number): void;
  fromBf16(source: Uint8Array, target: Float32Array, n: number): void;
  /** Quantises `nRows` rows of `nPerRow` weights; `nPerRow` must be whole blocks of `type`. */
  toType(
    type: GgmlType,
    source: Float32Array,
    target: Uint8Array,
    nRows: number,
    nPerRow: number,
  ): void;
};

/** Thrown where the native library is not there, with what to do. */
export class KernelsError extends Error {
  readonly code = 'HEARTH_KERNELS';
}

/** Kept for good: the library aborts the process when it is loaded again after it was unloaded. */
let loaded: Kernels | undefined;

/**
 * The kernels of this machine's platform. A process whose threads use them loads them in its main
 * thread first, so that no ending thread unloads the library. Throws {@link KernelsError}.
 */
export function loadKernels(): Kernels {
  loaded ??= bindKernels();
  return loaded;
}

function bindKernels(): Kernels {
  const library = koffi.load(findLibrary());
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
const FILES: Readonly<Record<string, string>> = {
  darwin: 'libggml-base.dylib',
  win32: 'ggml-base.dll',
  linux: 'libggml-base.so',
};

/** The library lies in the package of prebuilt binaries, next to the one that Node loads. */
function findLibrary(): string {
  const platform = `${PLATFORMS[process.platform]}-${process.arch === 'arm' ? 'armv7l' : process.arch}`;
  const variants = process.platform === 'darwin' ? ['', '-metal'] : ['', '-vulkan', '-cuda'];
  const { resolve } = createRequire(import.meta.resolve('node-llama-cpp'));
  for (const variant of variants) {
    const name = `${platform}${variant}`;
    const library = packageFile(
      resolve,
      name,
      path.join('bins', name, FILES[process.platform] ?? ''),
    );
    if (library) return library;
  }
  throw new KernelsError(
    `llama.cpp's library for ${platform} is not installed; run npm install without --omit=optional`,
  );
}

function packageFile(resolve: NodeJS.RequireResolve, name: string, file: string): string | null {
  for (const folder of resolve.paths(`@node-llama-cpp/${name}`) ?? []) {
    const candidate = path.join(folder, '@node-llama-cpp', name, file);
    if (existsSync(candidate)) return candidate;
  }
  return null;
}
