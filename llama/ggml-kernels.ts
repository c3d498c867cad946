// llama.cpp's own conversion and quantisation kernels, called in the library that node-llama-cpp ships.
// What they write is what stock llama-quantize writes, bit for bit.
// Knows no tensors, only rows.
import koffi, { type LibraryHandle } from 'koffi';
import { type AnyGgmlType, GGML_TYPES, type GgmlType, isQuantised } from './ggml-types.js';
import { findLlamaLibrary } from './libraries.js';

/**
 * Quantises `nRows` rows of `nPerRow` weights; `nPerRow` must be whole blocks of `type`. `importance`
 * says how much an error counts, for each column; some types cannot be made without it.
 */
export type Quantise = (
  type: GgmlType,
  source: Float32Array,
  target: Uint8Array,
  nRows: number,
  nPerRow: number,
  importance?: Float32Array | null,
) => void;

export type Kernels = {
  /** `n` half-precision numbers at `source` as float32 at `target`. */
  fromF16(source: Uint8Array, target: Float32Array, n: number): void;
  fromBf16(source: Uint8Array, target: Float32Array, n: number): void;
  /** `n` weights, whole blocks of a type that {@link hasBlockReader}. */
  fromBlocks(type: AnyGgmlType, source: Uint8Array, target: Float32Array, n: number): void;
  toType: Quantise;
};

/** Whether llama.cpp turns blocks of `type` into floats: not those that only products are made with. */
export function hasBlockReader(type: AnyGgmlType): boolean {
  return isQuantised(type) && type !== 'Q8_1';
}

/** As llama.cpp's C has it in the names of functions. */
export function nameInC(type: AnyGgmlType): string {
  return type.toLowerCase().replace(/_k$/, '_K');
}

/** Kept for good: the library aborts the process when it is loaded again after it was unloaded. */
let native: Kernels | undefined;

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
    fromBlocks: bindBlockReaders(library),
    toType(type, source, target, nRows, nPerRow, importance = null) {
      const n = nRows * nPerRow;
      if (type === 'F32') target.set(new Uint8Array(source.buffer, source.byteOffset, 4 * n));
      else if (type === 'F16') toF16(source, target, n);
      else if (type === 'BF16') toBf16(source, target, n);
      else quantize(GGML_TYPES[type].id, source, target, 0, nRows, nPerRow, importance);
    },
  };
}

type ReadBlocks = (source: Uint8Array, target: Float32Array, n: number) => void;

/** Each bound when it is first used. */
function bindBlockReaders(library: LibraryHandle): Kernels['fromBlocks'] {
  const bound = new Map<AnyGgmlType, ReadBlocks>();
  const bind = (type: AnyGgmlType): ReadBlocks =>
    library.func(`void dequantize_row_${nameInC(type)}(const uint8_t *x, float *y, int64_t n)`);
  return (type, source, target, n) => {
    const read = bound.get(type) ?? bind(type);
    bound.set(type, read);
    read(source, target, n);
  };
}
