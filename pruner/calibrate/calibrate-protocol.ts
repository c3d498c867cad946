// What the process that calibrates is told, and what it tells. Plain data.
import type { MeasuringEnd } from '../../llama/measuring-process.js';
import type { LlamaSettings } from '../../llama/model-settings.js';

/** A weight whose input is summed. */
export type ImportanceTask = { name: string; nCols: number };

/** A weight whose input is looked at closely. */
export type CutTask = ImportanceTask & { hasGram: boolean; hasRows: boolean };

export type CalibrateTask = {
  settings: LlamaSettings;
  text: string;
  textSha256: string;
  /** What the text is called. */
  datasets: string[];
  modelDigest: string;
  /** At least so many, as far as the text goes; null for all. */
  nTokens: number | null;
  chunkSize: number;
  /** At most so many, if any. */
  nHeldOut: number;
  weights: ImportanceTask[];
  /** In the order in which the model computes them. */
  cuts: CutTask[];
  /** What all Gram matrices that are in memory together may take. */
  gramBytes: number;
  /** How likely the text is, is told of so many of its first chunks. */
  nScored: number;
  /** What to do where numbers are not finite. */
  overflowAdvice: string;
  /** An empty file, which is filled. */
  path: string;
};

export type CalibrateEvent =
  /** In the chunks that are to come. */
  | { kind: 'tokens'; nTokens: number }
  | { kind: 'likelihood'; natsPerByte: number }
  | { kind: 'chunk'; done: number; of: number; pass: number; nPasses: number }
  | { kind: 'calibrated'; nChunks: number; nTokens: number; nPasses: number; peakRssBytes: number }
  | MeasuringEnd;
