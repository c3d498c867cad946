// How a model is opened for measuring: as the engine loaded it.
import { GGML_TYPES } from '../../llama/ggml-types.js';
import { type LlamaSettings, librariesFor } from '../../llama/model-settings.js';
import type { EngineInfo } from '../../runtime/engine/engine.js';

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
