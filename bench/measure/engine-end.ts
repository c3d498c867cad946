// When a measurement has to stop with its engine: a model whose process ended once would be started
// again and again, and a figure of a second process is none of the first.
// Ends nothing itself.

import { MeasureError } from '../../llama/measure-error.js';
import type { Engine } from '../../runtime/engine/engine.js';

/** Aborts with `signal`, and with {@link MeasureError} when the engine's process ends. */
export function untilEngineEnds(engine: Engine, signal: AbortSignal): AbortSignal {
  const ending = new AbortController();
  engine.onState((state) => {
    if (state.kind === 'restarting') ending.abort(new MeasureError(state.failure.message));
  });
  return AbortSignal.any([signal, ending.signal]);
}
