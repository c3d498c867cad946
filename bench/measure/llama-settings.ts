// How a model is opened for measuring: what crosses to the process that does, as plain data.
// Apart from llama.ts, so that who only asks for a measurement loads no llama.cpp.
import { findLlamaLibrary } from '../../converter/index.js';
import { GGML_TYPES } from '../../devices/index.js';
import type { EngineInfo } from '../../runtime/engine/index.js';

export type LlamaSettings = {
  modelPath: string;
  gpu: 'cuda' | 'vulkan' | 'metal' | false;
  /** Files of the libraries; those that node-llama-cpp has loaded are taken by their names. */
  libraries: { llama: string; ggml: string };
  /** -1 takes all. */
  gpuLayers: number;
  /** ggml's number of the type of the KV cache. */
  kvTypeId: number;
  threads: number;
  /** Whether all of them compute every batch; else as many as are quickest, as in the engine. */
  hasFixedThreads: boolean;
  flashAttention: boolean;
  mmap: boolean;
};

/** As llama-bench has them. */
export const N_BATCH = 2048;
export const N_UBATCH = 512;

/** As the engine loaded it. */
export function llamaSettings(info: EngineInfo): LlamaSettings {
  const gpu = info.backend === 'cpu' ? false : info.backend;
  return {
    modelPath: info.modelPath,
    gpu,
    libraries: librariesFor(gpu),
    gpuLayers: info.gpuLayers,
    kvTypeId: GGML_TYPES[info.kvType].id,
    threads: info.threads,
    hasFixedThreads: info.hasFixedThreads,
    flashAttention: info.flashAttention,
    mmap: info.mmap,
  };
}

/** Those of the package that node-llama-cpp takes for this backend. */
export function librariesFor(gpu: LlamaSettings['gpu']): LlamaSettings['libraries'] {
  const variant = gpu === 'cuda' || gpu === 'vulkan' ? gpu : undefined;
  return { llama: findLlamaLibrary('llama', variant), ggml: findLlamaLibrary('ggml', variant) };
}
