import type { Engine, EngineOptions } from './contract.js';
import { RestartingEngine } from './engine.js';

export type * from './contract.js';
export { EngineError } from './engine-error.js';

/**
 * Starts a model in a process of its own. Returns at once, in the state `loading`; whether the
 * model can be loaded is told by `ready()`.
 */
export function startEngine(options: EngineOptions): Engine {
  return new RestartingEngine(options);
}
