// A pair of how much is pruned and of a type, which is one file that could be made of a model. Plain data.
import type { Fit } from '../../devices/fit/fit.js';
import type { LlamaModel } from '../../model/shape/llama-model.js';
import type { QuantisePlan } from '../../model/types/quantise-plan.js';
import type { KeptWidths } from '../choose/plain-widths.js';

export type Pair = {
  /** Share of all weights that goes; 0 for the unpruned model. */
  ratio: number;
  /** By the parts that are pruned; empty for the unpruned model. */
  widths: KeptWidths;
  /** The model with those widths. */
  model: LlamaModel;
  /** Of the file, its type included. */
  quantised: QuantisePlan;
  /** On the device that was asked for. */
  fit: Fit;
};

/** What was measured of a pair, on text held out. */
export type PairQuality = {
  /** From the unpruned model in half precision, in nats, of each chunk of the text. */
  klByChunk: number[];
  perplexity: number;
  /** The same divergence of the pruned model before it was quantised, of the first chunks; 0 unpruned. */
  pruningKl: number;
  /** What pruning, writing and scoring took. */
  durationMs: number;
};

/** What the file is called among others: its type, and how many thousandths of the weights are gone. */
export function pairName({ ratio, quantised: { fileType } }: Pair): string {
  return `${fileType}-${Math.round(1000 * ratio)}`;
}

export function meanKl({ klByChunk }: Pick<PairQuality, 'klByChunk'>): number {
  return klByChunk.reduce((sum, kl) => sum + kl, 0) / klByChunk.length;
}
