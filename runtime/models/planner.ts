// What a model will take, as the pool is told it before a load.
import type { EngineOptions, ModelFile } from '../engine/engine.js';

export type MemoryPlan = {
  /** How the model is loaded. */
  settings: EngineOptions;
  /** Null where nothing looked at it. */
  file: ModelFile | null;
  neededBytes: number;
  /** What all models together may take, this one among them. */
  budgetBytes: (heldBytes: number) => number;
};

/** Bytes everywhere; `heldBytes` are what models that are loaded were predicted to take. */
export type Planner = {
  /**
   * Settings with which the model fits where no other is loaded, and what it then takes.
   * Rejects with `MemoryBudgetError` where it never fits, else with what is wrong with its file.
   */
  plan(settings: EngineOptions, heldBytes: number): Promise<MemoryPlan>;
};

/** For a model that is served alone, and loaded as its settings say. */
export const UNPLANNED: Planner = {
  plan: async (settings) => {
    return { settings, file: null, neededBytes: 0, budgetBytes: () => Number.POSITIVE_INFINITY };
  },
};
