// Kernels compiled from assembly/ to WebAssembly, four sub-blocks of a row in a vector's four lanes:
// llama.cpp's are scalar, and the time of hearth convert is theirs. Same numbers in the same order.
// Does not decide where they may be used; self-check.ts does.
import { readFileSync } from 'node:fs';
import type { Quantise } from '../../../llama/ggml-kernels.js';
import { GGML_TYPES, type GgmlType } from '../../../llama/ggml-types.js';

const FUNCTIONS = {
  IQ4_NL: 'quantiseIq4Nl',
  Q2_K: 'quantiseQ2K',
  Q4_K: 'quantiseQ4K',
  Q5_K: 'quantiseQ5K',
  Q6_K: 'quantiseQ6K',
} as const satisfies Partial<Record<GgmlType, string>>;

/** The types that have such a kernel. */
export type SimdType = keyof typeof FUNCTIONS;
export const SIMD_TYPES = Object.keys(FUNCTIONS) as SimdType[];

export function isSimdType(type: GgmlType): type is SimdType {
  return Object.hasOwn(FUNCTIONS, type);
}

/** What is used of it: TypeScript has its types only among those of browsers. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
  CompileError: ErrorConstructor;
};

/** What the module offers, see assembly/index.ts. */
type Exports = Record<(typeof FUNCTIONS)[SimdType], (nBlocks: number) => number> &
  Record<'SOURCE' | 'TARGET' | 'DEFERRED' | 'MAX_WEIGHTS', { readonly value: number }> & {
    readonly memory: { readonly buffer: ArrayBuffer };
  };

/**
 * The kernels in a memory of their own, for {@link SIMD_TYPES}. Blocks that they do not take go to
 * `native`. Undefined where the processor has no 128-bit vectors that V8 knows.
 */
export function loadSimdKernels(native: Quantise): Quantise | undefined {
  const exports = instantiate();
  if (!exports) return undefined;
  const maxWeights = exports.MAX_WEIGHTS.value;
  const weights = new Float32Array(exports.memory.buffer, exports.SOURCE.value, maxWeights);
  return (type, source, target, nRows, nPerRow) => {
    const { blockWeights, blockBytes } = GGML_TYPES[type];
    const quantise = exports[FUNCTIONS[type as SimdType]];
    for (let first = 0; first < nRows * nPerRow; first += maxWeights) {
      const chunk = source.subarray(first, Math.min(first + maxWeights, nRows * nPerRow));
      weights.set(chunk);
      const nBlocks = chunk.length / blockWeights;
      const nDeferred = quantise(nBlocks);
      const { buffer } = exports.memory;
      const firstByte = (first / blockWeights) * blockBytes;
      target.set(new Uint8Array(buffer, exports.TARGET.value, nBlocks * blockBytes), firstByte);
      for (const block of new Uint32Array(buffer, exports.DEFERRED.value, nDeferred)) {
        const at = block * blockWeights;
        const bytesAt = firstByte + block * blockBytes;
        const bytes = target.subarray(bytesAt, bytesAt + blockBytes);
        native(type, chunk.subarray(at, at + blockWeights), bytes, 1, blockWeights);
      }
    }
  };
}

function instantiate(): Exports | undefined {
  const bytes = readFileSync(new URL('kernels.wasm', import.meta.url));
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return undefined;
    throw error;
  }
}
