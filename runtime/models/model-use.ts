// A model in a request's hands.
import type { Engine, EngineOptions } from '../engine/engine.js';
import type { Recorder } from '../log/recorder.js';

/** It stays as it is until it is released. */
export type ModelUse = {
  id: string;
  settings: EngineOptions;
  /** Failed, where the model could not be loaded. */
  engine: Engine;
  recorder: Recorder;
  waitedMs: number;
  /** How long it took to load, where the request waited for that. */
  loadMs: number | null;
  release(): void;
};
