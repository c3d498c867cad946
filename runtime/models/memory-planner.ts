// How much each of several models takes, known before it is loaded, and how much there is for all.
// Predictions are those of `hearth fit`, and hold as long as the file is the same.
import { stat } from 'node:fs/promises';
import { HEARTH_BYTES } from '../../devices/fit/budget-device.js';
import type { Fit } from '../../devices/fit/fit.js';
import { countedBytes } from '../../devices/fit/fitter.js';
import type { LocalGpu } from '../../devices/memory/dry-run/dry-run-protocol.js';
import { openMemoryPredictor } from '../../devices/memory/predictor.js';
import { formatMemory } from '../../terminal/units.js';
import type { EngineOptions } from '../engine/engine.js';
import { type Budget, fitBudget, placement } from '../engine/memory-budget.js';
import type { MemoryPlan, Planner } from './planner.js';

/** Bytes everywhere; `heldBytes` are what models that are loaded were predicted to take. */
export class MemoryPlanner implements Planner {
  /** Null: what is free. */
  readonly #memoryBytes: number | null;
  readonly #plans = new Map<string, Promise<MemoryPlan>>();
  readonly #predictor = openMemoryPredictor();
  #underWay = 0;

  constructor(memoryBytes: number | null) {
    this.#memoryBytes = memoryBytes;
  }

  async plan(settings: EngineOptions, heldBytes: number): Promise<MemoryPlan> {
    const { ino, size, mtimeMs } = await stat(settings.modelPath).catch(refuseUnreadable);
    const key = JSON.stringify([settings, ino, size, mtimeMs]);
    const planned = this.#plans.get(key) ?? this.#predict(settings, heldBytes);
    this.#plans.set(key, planned);
    // What does not fit now may do so when other programs have ended.
    planned.catch(() => this.#plans.delete(key));
    return await planned;
  }

  #budgetBytes(fit: Fit, heldBytes: number): number {
    if (this.#memoryBytes !== null || fit.device.kind === 'discrete') return fit.budgetBytes;
    return process.availableMemory() + heldBytes - fit.marginBytes;
  }

  async #predict(settings: EngineOptions, heldBytes: number): Promise<MemoryPlan> {
    this.#underWay++;
    try {
      const budget = (gpu: LocalGpu | null) => this.#budget(gpu, heldBytes);
      const { fit, file, options } = await fitBudget(settings, budget, this.#predictor);
      const { nCtx } = fit.placed;
      const neededBytes = countedBytes(fit.placed, fit.device);
      const placed = this.#memoryBytes === null ? {} : placement(fit);
      return {
        settings: { ...options, nCtx, ...placed },
        ...{ file, neededBytes },
        budgetBytes: (heldNowBytes) => this.#budgetBytes(fit, heldNowBytes),
      };
    } finally {
      // Its processes hold memory that is a model's.
      if (--this.#underWay === 0) await this.#predictor.close();
    }
  }

  #budget(gpu: LocalGpu | null, heldBytes: number): Budget {
    if (this.#memoryBytes !== null)
      return {
        memoryBytes: this.#memoryBytes,
        source: `--memory ${formatMemory(this.#memoryBytes)}`,
      };
    if (gpu && !gpu.isShared) return { memoryBytes: gpu.totalBytes, source: 'the GPU' };
    const memoryBytes = process.availableMemory() + heldBytes + HEARTH_BYTES;
    return { memoryBytes, source: 'what is free' };
  }
}

function refuseUnreadable({ message }: Error): never {
  throw new Error(`the model's file cannot be read: ${message}; put it back, and ask again`);
}
