// The engine as measuring needs it: ending once and for all, and telling how it loaded the model.
import { GGML_TYPES } from '../../llama/ggml-types.js';
import { MeasureError } from '../../llama/measure-error.js';
import { type LlamaSettings, librariesFor } from '../../llama/model-settings.js';
import type { Engine, EngineInfo } from '../../runtime/engine/engine.js';

/**
 * Aborts with `signal`, and with {@link MeasureError} when the engine's process ends: it would be started
 * again and again, and a figure of a second process is none of the first.
 */
export function untilEngineEnds(engine: Engine, signal: AbortSignal): AbortSignal {
  const ending = new AbortController();
  engine.onState((state) => {
    if (state.kind === 'restarting') ending.abort(new MeasureError(state.failure.message));
  });
  return AbortSignal.any([signal, ending.signal]);
}

/** For opening a model as the engine loaded it. */
export function llamaSettings(info: EngineInfo): LlamaSettings {
  const { modelPath, gpuLayers, threads, hasFixedThreads, flashAttention, mmap } = info;
  const gpu = info.backend === 'cpu' ? false : info.backend;
  const libraries = librariesFor(gpu);
  const kvTypeId = GGML_TYPES[info.kvType].id;
  const how = { gpuLayers, kvTypeId, threads, hasFixedThreads, flashAttention, mmap };
  return { modelPath, gpu, libraries, ...how };
}
