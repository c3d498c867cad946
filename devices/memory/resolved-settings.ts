// Settings with every default filled in, as the engine and llama.cpp would.
// Refused here is what llama.cpp would refuse or abort on, before anything is asked of it.
import { isQuantised } from '../../llama/ggml-types.js';
import { type KvType, MAX_CONTEXT, MAX_PARALLEL } from '../../llama/settings.js';
import type { SizedModel } from '../../model/shape/sized-model.js';
import { cellsOf } from './kv-cache.js';
import { MemoryPredictionError, type MemorySettings } from './memory-prediction.js';

export type ResolvedSettings = Required<MemorySettings> & {
  kvType: KvType;
  parallel: number;
  /** What llama.cpp is told, which finds out about `auto` itself; `flashAttention` is the guess. */
  askedFlashAttention: boolean | 'auto';
  /** Of all sequences. */
  nCells: number;
};

/** As node-llama-cpp's contexts have it. */
const MAX_BATCH = 512;

/** Throws {@link MemoryPredictionError}. */
export function resolveSettings(model: SizedModel, settings: MemorySettings): ResolvedSettings {
  const { backend, nCtx, kvType = 'F16', parallel = 1 } = settings;
  checkNumber('context', nCtx, MAX_CONTEXT);
  checkNumber('number of sequences', parallel, MAX_PARALLEL);
  const nCells = cellsOf(nCtx) * parallel;
  const hasFlashAttention = backend !== 'cuda' || CUDA_HEAD_SIZES.includes(model.shape.headSize);
  return {
    backend,
    nCtx,
    kvType,
    parallel,
    nCells,
    nBatch: Math.min(settings.nBatch ?? MAX_BATCH, nCells),
    // The output counts as one.
    gpuLayers:
      backend === 'cpu' ? 0 : Math.min(settings.gpuLayers ?? Infinity, model.shape.nLayer + 1),
    flashAttention: settings.flashAttention ?? (isQuantised(kvType) || hasFlashAttention),
    askedFlashAttention: settings.flashAttention ?? 'auto',
    mmap: settings.mmap ?? backend !== 'cpu',
  };
}

/** Head sizes of CUDA's kernels, of those that a Llama can have; the others' take any. */
const CUDA_HEAD_SIZES = [64, 80, 96, 112, 128, 256];

function checkNumber(what: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new MemoryPredictionError(`a ${what} of ${value}; expected 1 to ${most}`);
}

/** Throws {@link MemoryPredictionError} for a shape on which llama.cpp aborts. */
export function checkModel({ shape }: SizedModel): void {
  const problem = findProblem(shape);
  if (problem) throw new MemoryPredictionError(`${problem}, which llama.cpp cannot run`);
}

function findProblem({ nHead, nHeadKv, nFf }: SizedModel['shape']): string | null {
  if (!nHead[0]) return 'layer 0 has no attention heads';
  const empty = nFf.indexOf(0);
  if (empty >= 0) return `layer ${empty} has no feed-forward channels`;
  const odd = nHead.findIndex((heads, i) => nHeadKv[i] && heads % nHeadKv[i] !== 0);
  if (odd < 0) return null;
  return `layer ${odd} has ${nHead[odd]} attention heads for ${nHeadKv[odd]} key-value heads`;
}
