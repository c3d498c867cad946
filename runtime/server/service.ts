// What every route works with: the engine, its recorder, the metrics and the settings.
// One object handed down, so that no route reaches for a global.
import type { Engine } from '../engine/engine.js';
import type { AnswerLog } from '../log/answer-log.js';
import type { LogReader } from '../log/log-reader.js';
import type { Recorder } from '../log/recorder.js';
import type { Metrics } from './metrics.js';

export type Service = {
  engine: Engine;
  recorder: Recorder;
  metrics: Metrics;
  log: AnswerLog | null;
  /** Opens the log for reading; null with --no-log. */
  openReader: (() => LogReader) | null;
  modelId: string;
  hearthVersion: string;
  /** Unix time in seconds at which the model became available. */
  createdS: number;
  overflow: 'error' | 'drop-oldest';
  deadlineMs: number | null;
  /** As the engine was started; null for the engine's own choice. */
  maxQueue: number | null;
  /** A shutdown aborts those that outlast it. */
  underWay: Set<UnderWay>;
};

/** A request's answers; without a first event they may still be had elsewhere. */
export type UnderWay = { abort: AbortController; hasBegun: boolean };
