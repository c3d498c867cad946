// How a model is opened for measuring: what crosses to the process that does, as plain data.
// Apart from llama.ts, so that who only asks for a measurement loads no llama.cpp.

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
  flashAttention: boolean;
  mmap: boolean;
};

/** As llama-bench has them. */
export const N_BATCH = 2048;
export const N_UBATCH = 512;
