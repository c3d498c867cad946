// The settings that llama.cpp runs a model with, by their names and limits: one vocabulary for flags,
// plans, predictions and the engine.
import { valueFlag, wholeNumber } from '../terminal/flags.js';

/** In the order in which node-llama-cpp tries them. */
export const GPU_BACKENDS = ['cuda', 'vulkan', 'metal'] as const;
export type GpuBackend = (typeof GPU_BACKENDS)[number];
export type Backend = GpuBackend | 'cpu';

/** What `--gpu` takes. */
export const GPU_CHOICES = ['auto', 'off', ...GPU_BACKENDS] as const;
export type GpuChoice = (typeof GPU_CHOICES)[number];

export const KV_TYPES = ['F32', 'F16', 'Q8_0', 'Q4_0'] as const;
export type KvType = (typeof KV_TYPES)[number];

/** Tokens of each sequence. */
export const MAX_CONTEXT = 2 ** 24;
export const MAX_PARALLEL = 256;
export const MAX_THREADS = 1_024;

export function contextFlag(describe = 'Tokens of context') {
  return valueFlag(describe, wholeNumber('ctx', 1, MAX_CONTEXT));
}

export const parallelFlag = valueFlag(
  'Sequences decoded together',
  wholeNumber('parallel', 1, MAX_PARALLEL),
);

export function threadsFlag(describe: string) {
  return valueFlag(describe, wholeNumber('threads', 1, MAX_THREADS));
}
