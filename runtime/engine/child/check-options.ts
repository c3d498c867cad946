// Refuses options that llama.cpp would misread, or on which it would work for minutes and then fail.
// A number too large for its type wraps around there.
// Whether the model fits is found when it is loaded.
import { MAX_CONTEXT, MAX_PARALLEL, MAX_THREADS } from '../../../llama/settings.js';
import type { EngineOptions } from '../engine.js';
import { EngineError } from '../engine-error.js';

const RANGES = {
  nCtx: [1, MAX_CONTEXT],
  parallel: [1, MAX_PARALLEL],
  threads: [1, MAX_THREADS],
  gpuLayers: [0, 2 ** 16],
} as const satisfies Partial<Record<keyof EngineOptions, readonly [number, number]>>;

/** Throws {@link EngineError} `load-failed` naming the first option that cannot be used. */
export function checkOptions(options: EngineOptions): void {
  for (const [name, [least, most]] of Object.entries(RANGES)) {
    const value = options[name as keyof typeof RANGES];
    if (value === undefined || value === 'auto') continue;
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    throw new EngineError({
      code: 'load-failed',
      message: `${name} is ${value}; expected a whole number from ${least} to ${most}`,
    });
  }
}
