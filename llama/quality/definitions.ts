// What perplexity, KL divergence and agreement are, as llama-perplexity computes them
// (tools/perplexity/perplexity.cpp), position by position, so that nothing but sums is kept.
// Runs no model.
import { type LogProbs, logProbOf } from './log-probs.js';

export type Estimate = {
  value: number;
  /** Standard error of the mean over positions, carried over to `value`. */
  error: number;
};

/** Beside a first model, on the same positions. */
export type Divergence = {
  /** Σ p·(ln p - ln q) over the vocabulary, averaged: nats that this model misses of the first. */
  meanKl: Estimate;
  medianKl: number;
  /** Of the positions, one in a hundred diverges by more. */
  p99Kl: number;
  /** Share of positions at which both find the same token likeliest; 0 to 1. */
  sameTop: Estimate;
};

/** `ln Σ e^logit`; a token's negative log-likelihood is this less its logit. */
export function logSumExp(logits: Float32Array): number {
  let max = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > max) max = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - max);
  return max + Math.log(sum);
}

/** e to the mean of what positions cost. */
export class PerplexityTally {
  readonly #nll = new Mean();

  add(nll: number): void {
    this.#nll.add(nll);
  }

  /** Of all that was added. */
  get sum(): number {
    return this.#nll.sum;
  }

  get count(): number {
    return this.#nll.count;
  }

  get perplexity(): Estimate {
    const { value, error } = this.#nll.estimate;
    return { value: Math.exp(value), error: Math.exp(value) * error };
  }
}

/** As in llama-perplexity, what the first model holds for less likely than e^-16 counts nothing. */
const LEAST_LOG_PROB = -16;

export class DivergenceTally {
  readonly #kl = new Mean();
  readonly #values: number[] = [];
  #sameTop = 0;

  /** Of all that was added. */
  get sums(): { kl: number; sameTop: number } {
    return { kl: this.#kl.sum, sameTop: this.#sameTop };
  }

  /** One position: what the first model held for likely, and this model's logits. */
  add(first: LogProbs, logits: Float32Array): void {
    const normaliser = logSumExp(logits);
    let divergence = 0;
    for (let token = 0; token < logits.length; token++) {
      const logP = logProbOf(first, token);
      if (logP <= LEAST_LOG_PROB) continue;
      divergence += Math.exp(logP) * (logP - ((logits[token] as number) - normaliser));
    }
    this.#kl.add(divergence);
    this.#values.push(divergence);
    if (indexOfLargest(first.steps) === indexOfLargest(logits)) this.#sameTop++;
  }

  get divergence(): Divergence {
    const values = Float64Array.from(this.#values).sort();
    const share = this.#sameTop / values.length;
    return {
      meanKl: this.#kl.estimate,
      medianKl: percentile(values, 0.5),
      p99Kl: percentile(values, 0.99),
      sameTop: { value: share, error: Math.sqrt((share * (1 - share)) / (values.length - 1)) },
    };
  }
}

/** The first of equals. */
function indexOfLargest(values: Float32Array | Uint16Array): number {
  let index = 0;
  for (let i = 1; i < values.length; i++)
    if ((values[i] as number) > (values[index] as number)) index = i;
  return index;
}

/** Of sorted values, between two neighbours in proportion. */
function percentile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const [low = Number.NaN, high = low] = sorted.subarray(below, below + 2);
  return low + (place - below) * (high - low);
}

class Mean {
  sum = 0;
  #squares = 0;
  count = 0;

  add(value: number): void {
    this.sum += value;
    this.#squares += value * value;
    this.count++;
  }

  get estimate(): Estimate {
    const value = this.sum / this.count;
    const variance = this.#squares / this.count - value * value;
    return { value, error: variance > 0 ? Math.sqrt(variance / (this.count - 1)) : 0 };
  }
}
