// What every route works with: the models, the metrics and the settings.
// One object handed down, so that no route reaches for a global.
import type { AnswerLog } from '../log/answer-log.js';
import type { LogReader } from '../log/log-reader.js';
import type { ModelPool } from '../models/model-pool.js';
import type { Metrics } from './metrics.js';

export type Service = {
  models: ModelPool;
  metrics: Metrics;
  log: AnswerLog | null;
  /** Opens the log for reading; null with --no-log. */
  openReader: (() => LogReader) | null;
  hearthVersion: string;
  /** Unix time in seconds since when the models are offered. */
  createdS: number;
  overflow: 'error' | 'drop-oldest';
  deadlineMs: number | null;
  /** Record of how the device's last update ended; null elsewhere. */
  updateOutcome: string | null;
  /** A shutdown aborts those that outlast it. */
  underWay: Set<UnderWay>;
};

/** A request's answers; without a first event they may still be had elsewhere. */
export type UnderWay = { abort: AbortController; hasBegun: boolean };
