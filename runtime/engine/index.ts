// What the rest of hearth may use of the engine: the engine itself, and for processes of bench/ that
// run a model without it, the parts that watch a process, measure it and explain its end.
// Nothing else in this folder is for other folders.
import type { Engine, EngineOptions } from './contract.js';
import { RestartingEngine } from './engine.js';

export { processMemory } from './child/measure.js';
export { watchParent } from './child/orphan-watch.js';
export { forkEngineAhead } from './child-process.js';
export type * from './contract.js';
export { describeDeath, memoryBefore } from './death.js';
export { EngineError } from './engine-error.js';
export { gpuNotUsed } from './gpu-not-used.js';
export { describeFile } from './model-file.js';
export { NativeLog } from './native-log.js';

/**
 * Starts a model in a process of its own. Returns at once, in the state `loading`; whether the
 * model can be loaded is told by `ready()`.
 */
export function startEngine(options: EngineOptions): Engine {
  return new RestartingEngine(options);
}
