// Where a kernel of ours may stand in for llama.cpp's: only where both give the same bytes here. Its
// compiler may fuse a multiplication with an addition, and a new release may search another way.
// Does not say which was taken: the file is the same.
import type { Quantise } from '../../../llama/ggml-kernels.js';
import { GGML_TYPES, type GgmlType } from '../../../llama/ggml-types.js';
import { isSimdType, loadSimdKernels } from './simd-kernels.js';

/** 2048 sub-blocks or more: about 12 ms for the slowest type, once per type and thread. */
const CHECKED_WEIGHTS = 65536;
/** Blocks of the K-quants; the largest. */
const BLOCK = 256;

/**
 * `native`, and instead of it for each type the vector kernel if it gives the same bytes. A type is
 * checked when it is first used. The vector kernels know no importance of columns.
 */
export function preferSimd(native: Quantise): Quantise {
  const chosen = new Map<GgmlType, Quantise>();
  let simd: Quantise | undefined;
  let weights: Float32Array | undefined;
  const choose = (type: GgmlType): Quantise => {
    if (!isSimdType(type)) return native;
    simd ??= loadSimdKernels(native);
    weights ??= checkedWeights(CHECKED_WEIGHTS);
    return simd && agree(type, simd, native, weights) ? simd : native;
  };
  return (type, source, target, nRows, nPerRow, importance) => {
    if (importance) return native(type, source, target, nRows, nPerRow, importance);
    const quantise = chosen.get(type) ?? choose(type);
    chosen.set(type, quantise);
    quantise(type, source, target, nRows, nPerRow);
  };
}

function agree(type: GgmlType, a: Quantise, b: Quantise, weights: Float32Array): boolean {
  return Buffer.from(quantised(type, a, weights)).equals(quantised(type, b, weights));
}

function quantised(type: GgmlType, quantise: Quantise, weights: Float32Array): Uint8Array {
  const { blockWeights, blockBytes } = GGML_TYPES[type];
  const target = new Uint8Array((weights.length / blockWeights) * blockBytes);
  quantise(type, weights, target, weights.length / BLOCK, BLOCK);
  return target;
}

type Random = () => number;

/** One block's weight i, given numbers from 0 to 1. Every second block is the first: trained weights. */
const KINDS: readonly ((random: Random, i: number, block: number) => number)[] = [
  (random) => 0.02 * normal(random),
  () => 0,
  (_, i, block) => (i % 32 < 16 ? block - 100 : 0.5),
  (random) => 1e-38 * normal(random),
  (random) => 1e-42 * normal(random),
  (random) => 1e30 * normal(random),
  (random) => normal(random) * (random() < 0.03 ? 50 : 0.01),
  (random) => -0.3 - 0.1 * random(),
  (_, i, block) => (i === block % BLOCK ? -1 : 0),
  (random, i) => normal(random) * 10 ** -(i >> 4),
  (random) => Math.round(2 * normal(random)) / 2,
];

/** The same weights on every machine: `n` of them, block by block of one kind. */
export function checkedWeights(n: number): Float32Array {
  const random = linearCongruential();
  const weights = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const block = Math.floor(i / BLOCK);
    const kind = KINDS[block % 2 ? (block >> 1) % KINDS.length : 0];
    weights[i] = kind?.(random, i % BLOCK, block) ?? 0;
  }
  return weights;
}

/** Near enough to a normal distribution: the sum of four uniform ones. */
function normal(random: Random): number {
  return 1.7 * (random() + random() + random() + random() - 2);
}

function linearCongruential(): Random {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
