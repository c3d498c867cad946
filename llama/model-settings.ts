// How a model is opened in llama.cpp without a wrapper: plain data, for the process that does it.
// Apart from libllama.ts, so that who only asks for it loads no llama.cpp.
import { findLlamaLibrary } from './libraries.js';
import type { GpuBackend } from './settings.js';

/** Files of the libraries; those that node-llama-cpp has loaded are taken by their names. */
export type LlamaLibraries = { llama: string; ggml: string; ggmlBase: string };

export type LlamaSettings = {
  modelPath: string;
  gpu: GpuBackend | false;
  libraries: LlamaLibraries;
  /** -1 takes all. */
  gpuLayers: number;
  /** ggml's number of the type of the KV cache. */
  kvTypeId: number;
  threads: number;
  /** Whether all of them compute every batch; else as many as are quickest, as in the engine. */
  hasFixedThreads: boolean;
  flashAttention: boolean;
  mmap: boolean;
  /** Whether all weights stay as the file has them, where they can be read and set; else as the CPU likes them. */
  keepsOrder?: boolean;
};

/** As llama-bench has them. */
export const N_BATCH = 2048;

export const N_UBATCH = 512;

/** Those of the package that node-llama-cpp takes for this backend. */
export function librariesFor(gpu: LlamaSettings['gpu']): LlamaLibraries {
  const variant = gpu === 'cuda' || gpu === 'vulkan' ? gpu : undefined;
  return {
    llama: findLlamaLibrary('llama', variant),
    ggml: findLlamaLibrary('ggml', variant),
    ggmlBase: findLlamaLibrary('ggml-base', variant),
  };
}
