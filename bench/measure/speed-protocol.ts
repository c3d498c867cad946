// What the process that measures speed is told, and what it tells: each repeat as soon as it is done,
// so that nothing is lost when the process dies. Plain data.

import type { MeasuringEnd } from '../../llama/measuring-process.js';
import type { MemoryBreakdown } from '../../llama/memory-breakdown.js';
import type { LlamaSettings } from '../../llama/model-settings.js';
import type { MeasuredPoint } from './points.js';

export type SpeedTask = { settings: LlamaSettings; points: MeasuredPoint[]; repeats: number };

export type SpeedMemory = {
  rssBytes: number;
  peakRssBytes: number;
  /** In use on the GPU; null without one. */
  deviceBytes: number | null;
  /** By llama.cpp's own count, to the byte; null where it cannot be asked. */
  breakdown: MemoryBreakdown | null;
};

export type SpeedEvent =
  | { kind: 'loaded'; modelType: string }
  /** `repeat` 0 is the warm-up. */
  | { kind: 'begin'; point: number; repeat: number }
  /** `threads` computed it: its tokens one by one where there are any, else its prompt. */
  | { kind: 'sample'; point: number; sampleNs: number; threads: number; memory: SpeedMemory }
  | MeasuringEnd;
