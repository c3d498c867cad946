// What memory prediction is asked, what it answers and what it refuses.
// Shared by fit, plan, convert --for, serve --memory and the log, so that all speak of the same parts.
// Bytes everywhere; a pool is memory that runs out on its own: a GPU's, or the system's.
import type { Backend, KvType } from '../../llama/settings.js';
import type { SizedModel } from '../../model/shape/sized-model.js';
import type { LocalGpu } from './dry-run/dry-run-protocol.js';

export type MemorySettings = {
  backend: Backend;
  /** Tokens of context of each sequence. */
  nCtx: number;
  /** Default F16, as llama.cpp's. */
  kvType?: KvType | undefined;
  /** Sequences decoded together; default 1. */
  parallel?: number | undefined;
  /** Tokens of prompt evaluated at once; default 512, or the whole context where that is shorter. */
  nBatch?: number;
  /** Layers on the GPU, the output counting as one; default all, and none where there is no GPU. */
  gpuLayers?: number;
  /** Whether attention is computed without its matrix; default true, as llama.cpp finds where it can. */
  flashAttention?: boolean;
  /** Default false on the CPU, true elsewhere, as the engine loads. */
  mmap?: boolean;
};

export type Pool = 'device' | 'host';

/** What is taken of one pool. */
export type MemoryParts = {
  weightsBytes: number;
  kvBytes: number;
  computeBytes: number;
  /** The process, its libraries and the GPU's context: what is there without any model. */
  overheadBytes: number;
  totalBytes: number;
};

export type MemoryPrediction = {
  /** The GPU's memory; null where the backend is the CPU. */
  device: MemoryParts | null;
  /** The system's memory. */
  host: MemoryParts;
  /** As resolved from the settings. */
  gpuLayers: number;
  nCtx: number;
  /** Cells of the KV cache over all sequences: each sequence's context is rounded up to 256. */
  nCells: number;
  /** Where the compute buffers are from: llama.cpp's own dry run, or the formula where it cannot run. */
  computeSource: 'dry-run' | 'formula';
};

/** Predicts with llama.cpp's dry run, which lives in a child process from the first question on. */
export interface MemoryPredictor {
  /** Throws `MemoryPredictionError` for settings or a model that llama.cpp would refuse. */
  predict(model: SizedModel, settings: MemorySettings): Promise<MemoryPrediction>;
  /** The GPU that llama.cpp would use here, asked in a child process; null where there is none. */
  localGpu(): Promise<LocalGpu | null>;
  /** Ends the child processes. */
  close(): Promise<void>;
}

/** Thrown where llama.cpp could not run the model with these settings at all: it would refuse or abort. */
export class MemoryPredictionError extends Error {
  override readonly name = 'MemoryPredictionError';
  readonly code = 'HEARTH_MEMORY';
}

/** For `catch`: null of a refusal; other errors are thrown on. */
export function nullOfRefusal(error: unknown): null {
  if (error instanceof MemoryPredictionError) return null;
  throw error;
}
