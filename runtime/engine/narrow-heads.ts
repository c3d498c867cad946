// Where llama.cpp's flash attention on a CPU is many times slower than attention without it: with heads
// narrower than its vectors. hearth's `auto` leaves it out there, which llama.cpp's own does not.
// Asks nothing of llama.cpp, so that a budget can be kept before a model is loaded.
import { readFileSync } from 'node:fs';
import { isQuantised } from '../../llama/ggml-types.js';
import type { ModelShape } from '../../model/shape/model-shape.js';
import type { EngineOptions } from './engine.js';

/** Float16 numbers that ggml's kernels take at once (GGML_F16_STEP in its ggml-cpu/simd-mappings.h). */
const STEP_OF_AVX512 = 64;
const STEP_OF_OTHERS = 32;

/** Scores of queries and keys are then kept for a whole batch; what that may take: 4,096 tokens of 8 heads. */
const MOST_SCORE_BYTES = 64 * 2 ** 20;
const BATCH_TOKENS = 512;
const FLOAT_BYTES = 4;

/**
 * Flash attention for a model whose layers the CPU computes: as asked, but off where that is left to hearth,
 * a head is no multiple of a vector, and the scores are small. What is left over of a vector is computed
 * number by number: with heads of 32 and AVX-512 a token behind 400 others takes 5 times as long, and one behind
 * 2,000 8 times, for which 2,000 at once take a fifth less.
 */
export function flashAttentionOnCpu(
  { flashAttention = 'auto', kvType = 'F16', nCtx }: AttentionOptions,
  { headSize, nHead, nCtxTrain }: Pick<ModelShape, 'headSize' | 'nHead' | 'nCtxTrain'>,
  step = vectorStep(),
): boolean | 'auto' {
  if (flashAttention !== 'auto' || isQuantised(kvType)) return flashAttention;
  const nKeys = nCtx ?? nCtxTrain;
  const scoreBytes = Math.max(...nHead) * nKeys * Math.min(nKeys, BATCH_TOKENS) * FLOAT_BYTES;
  return headSize % step === 0 || scoreBytes > MOST_SCORE_BYTES ? 'auto' : false;
}

type AttentionOptions = Pick<EngineOptions, 'flashAttention' | 'kvType' | 'nCtx'>;

/** Of this machine, as Linux tells; elsewhere that of most. */
function vectorStep(): number {
  try {
    const hasAvx512 = /\bavx512f\b/.test(readFileSync('/proc/cpuinfo', 'latin1'));
    return hasAvx512 ? STEP_OF_AVX512 : STEP_OF_OTHERS;
  } catch {
    return STEP_OF_OTHERS;
  }
}
