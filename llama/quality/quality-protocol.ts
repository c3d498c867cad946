// What the process that scores a text is told, and what it tells. Plain data.

import type { MeasuringEnd } from '../measuring-process.js';
import type { LlamaSettings } from '../model-settings.js';
import type { Divergence, Estimate } from './definitions.js';
import type { RowsFile } from './kept-rows.js';

export type QualityTask = {
  settings: LlamaSettings;
  text: string;
  /** Tokens of a chunk. */
  nCtx: number;
  /** Of the text's chunks, at most so many; null for all. */
  maxChunks: number | null;
  /** Where the first model's log-probabilities are kept: written by it, read for the others. */
  first: RowsFile | null;
  /** The tokens as the first model split the text; null for that one. */
  tokensSha256: string | null;
};

/** Means over the scored positions of each chunk, in the text's order. */
export type ChunkMeans = {
  /** Nats a token. */
  nll: number[];
  /** Nats that this model misses of the first; empty where the divergence is null. */
  kl: number[];
  /** Share at which both find another token likeliest; empty where the divergence is null. */
  otherTop: number[];
};

export type Quality = {
  perplexity: Estimate;
  byChunk: ChunkMeans;
  nChunks: number;
  /** Positions that were scored. */
  nTokens: number;
  tokensSha256: string;
  /** Whether each chunk begins with the token that begins a text, as the model's own texts do. */
  startsWithBos: boolean;
  /** Null of the first model, and where its tokens are others. */
  divergence: Divergence | null;
};

export type QualityEvent =
  | { kind: 'chunk'; done: number; of: number }
  | { kind: 'scored'; quality: Quality }
  | MeasuringEnd;
