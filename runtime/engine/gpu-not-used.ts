// Whether the GPU that was asked for by name answers. An appliance whose driver breaks goes on
// answering on its CPU, so this is said and no error.
import type { EngineInfo, EngineOptions } from './engine.js';

/** What to tell the user; null where all is as asked. */
export function gpuNotUsed(
  { gpu = 'auto', gpuLayers }: EngineOptions,
  { backend }: EngineInfo,
): string | null {
  if (gpu === 'auto' || gpu === 'off' || gpuLayers === 0 || backend === gpu) return null;
  return `the CPU answers: ${gpu} has no GPU here that holds a layer of the model; see hearth devices`;
}
