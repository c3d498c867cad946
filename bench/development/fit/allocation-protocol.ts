// What the process that allocates is asked and what it answers: plain data.
// One model a process, any number of contexts, one after the other.
// Says nothing of how.

import type { MeasuringEnd } from '../../../llama/measuring-process.js';
import type { MemoryBreakdown } from '../../../llama/memory-breakdown.js';
import type { LlamaSettings } from '../../../llama/model-settings.js';

export type AllocatedContext = { nCtx: number /** ggml's number */; kvTypeId: number };

export type AllocationTask = {
  settings: Omit<LlamaSettings, 'kvTypeId'>;
  contexts: AllocatedContext[];
};

/** In the order of the contexts. */
export type AllocationEvent = { kind: 'allocated'; breakdown: MemoryBreakdown } | MeasuringEnd;
