// What fitting is asked and what it answers.
// The budget is the device's memory less what the system keeps, less a margin for what is not foreseen.
// Bytes everywhere.
import type { KvType } from '../../llama/settings.js';
import type { Device } from '../catalogue/device.js';
import type { MemoryPrediction } from '../memory/memory-prediction.js';
import type { SpeedPrediction } from '../speed/speed.js';

export type FitRequest = {
  /** Tokens of context of each sequence; left out, the model's own, at most 4096. */
  nCtx?: number | undefined;
  kvType?: KvType | undefined;
  parallel?: number | undefined;
  /** Layers on the GPU, where the user chose them; the verdict then looks for no other number. */
  gpuLayers?: number;
  mmap?: boolean;
  flashAttention?: boolean;
};

export type FitVerdict =
  | { kind: 'fits' }
  /** `gpuLayers` as in llama.cpp: the output counts as one. */
  | { kind: 'fits-with-cpu-layers'; gpuLayers: number; cpuLayers: number }
  | { kind: 'fits-up-to-context'; nCtx: number }
  | { kind: 'does-not-fit'; missingBytes: number };

export type Fit = {
  device: Device;
  verdict: FitVerdict;
  /** As asked for, all layers on the device: what the verdict judges. */
  memory: MemoryPrediction;
  /** As the verdict would run it; the same as `memory` where it fits or nothing does. */
  placed: MemoryPrediction;
  /** Of `memory`, what counts against the budget: the device's pool, or both where they are one. */
  neededBytes: number;
  /** What a model may take: memory - reserved - margin. */
  budgetBytes: number;
  marginBytes: number;
  /** Largest context that fits with all layers on the device, at most what the model was trained for; 0 where none does. */
  maxCtx: number;
  /** Of `placed`; null where nothing fits. */
  speed: SpeedPrediction | null;
};
