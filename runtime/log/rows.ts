// What callers hand to the log, one type a table.
// Built from the engine's own types, so that an answer is recorded without being rewritten.
// Times are Unix time in ms; ids are what the record functions returned.
import type { MachineDescription } from '../../devices/probe/machine.js';
import type {
  EngineInfo,
  EngineOptions,
  Memory,
  ModelFile,
  StopReason,
  Timings,
} from '../engine/engine.js';

export type MachineRow = MachineDescription;

export type ModelRow = ModelFile & {
  /** Of the whole file, in hex; null while it is not known (see hashModelFile). */
  sha256: string | null;
};

export type RunRow = {
  machineId: number;
  modelId: number;
  startedAtMs: number;
  hearthVersion: string;
  settings: EngineOptions;
  /** Null where the model did not load. */
  info: EngineInfo | null;
  /** Of the process and the GPU after loading, what the CUDA context takes included. */
  measuredTotalBytes?: number | null;
};

export type RunEnd = {
  endedAtMs: number;
  reason: 'stopped' | 'crashed' | 'not-loaded';
  error?: RowError | null;
};

/** Error codes are hearth's (`HEARTH_…`); the message is what the caller was told. */
export type RowError = { code: string; message: string };

/** One request, answered or failed. What never came about is left out or null. */
export type RequestRow = {
  runId: number;
  startedAtMs: number;
  /** Path of the API, or `chat`. */
  endpoint: string;
  /** A health probe, which is not an answer. */
  isProbe?: boolean;
  /** As far as the request came. */
  timings?: Partial<Timings> | null;
  memory?: Partial<Memory> | null;
  stopReason?: StopReason | null;
  error?: RowError | null;
  droppedTurns?: number;
  droppedTokens?: number;
  /** Stored only where the log was opened with `logText`. */
  prompt?: string | null;
  answer?: string | null;
};

export type SampleRow = {
  runId: number;
  takenAtMs: number;
  rssBytes?: number | null;
  availableBytes?: number | null;
  deviceUsedBytes?: number | null;
  cpuTemperatureC?: number | null;
  deviceTemperatureC?: number | null;
};
