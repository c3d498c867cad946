// What the process that tries prunings is told, and what it tells. Plain data.
import type { MeasuringEnd } from '../../llama/measuring-process.js';
import type { LlamaSettings } from '../../llama/model-settings.js';

/** One part of a layer, pruned: what its weight becomes in a model that keeps its shape. */
export type PartChange = {
  /** `blk.3.ffn_down` */
  ggufName: string;
  /** Input columns that are kept, of `nCols`; the others become zero, which is as if they were gone. */
  kept: Uint32Array;
  nRows: number;
  nCols: number;
  /** Where the kept columns lie, `[nRows, kept]` in float32. */
  columns: { filePath: string; offsetBytes: number };
  /** `[nRows]`; null for none. */
  bias: Float32Array | null;
};

export type TrialTask = {
  settings: LlamaSettings;
  text: string;
  nCtx: number;
  /** Chunks of the text that are scored, from its first. */
  chunks: { least: number; most: number };
  /** What the unpruned model holds for likely: `write` has it computed first. */
  dense: { kind: 'write' | 'read'; path: string };
  /** What holds for all trials. */
  base: PartChange[];
  /** Each on top of the base; scored one after the other. */
  trials: PartChange[][];
};

export type Score = {
  /** Over the scored positions, in nats. */
  meanNll: number;
  /** From the unpruned model, over the scored positions. */
  meanKl: number;
  /** The same of each chunk. */
  klByChunk: number[];
};

export type TrialEvent =
  /** `nTextTokens` are all that the text has. */
  | { kind: 'dense'; meanNll: number; nTokens: number; nTextTokens: number }
  | { kind: 'chunk'; done: number; of: number }
  | { kind: 'score'; index: number; score: Score }
  | MeasuringEnd;
