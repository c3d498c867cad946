// The draft model at work: what it takes for the next tokens of a text.
// It writes one text at a time and keeps its cache, so that of a text that goes on only what is new is
// evaluated. Its choices change no answer: they are checked by the model that answers.
import type { NativeContext, NativeSampler } from '../../../llama/node-llama-internals.js';
import type { Decoder } from './decoder.js';
import { commonLength } from './slot.js';

/**
 * A token that the draft model itself holds for less likely ends its draft: it would cost more than it
 * saves. Measured with the repository's models; node-llama-cpp has 0.6 in its place, llama.cpp 0.75.
 */
const LEAST_PROBABILITY = 0.6;

export type DrafterParts = {
  context: NativeContext;
  decoder: Decoder;
  /** Takes the likeliest token. */
  sampler: NativeSampler;
  nCtx: number;
  nBatch: number;
  /** Default {@link LEAST_PROBABILITY}. */
  leastProbability?: number;
};

export class Drafter {
  readonly #parts: DrafterParts;
  /** Whose keys and values are in the cache. */
  readonly #cached: number[] = [];

  constructor(parts: DrafterParts) {
    this.#parts = parts;
  }

  /**
   * At most `most` tokens that may follow `text`; fewer where it is unsure, where `isOver` says so, and while
   * it reads a long text: a batch at a time, so that the answer goes on, and whoever comes meanwhile.
   */
  async draft(text: readonly number[], most: number, isOver: () => boolean): Promise<number[]> {
    const { nBatch, nCtx } = this.#parts;
    const drafted: number[] = [];
    const room = Math.min(most, nCtx - text.length);
    if (room <= 0) return drafted;
    this.#keep(Math.min(commonLength(this.#cached, text), text.length - 1));
    let pending = text.slice(this.#cached.length, this.#cached.length + nBatch);
    const isBehind = this.#cached.length + pending.length < text.length;
    while (!isOver()) {
      const tokenId = await this.#choose(await this.#evaluate(pending));
      if (isBehind || tokenId === null) break;
      drafted.push(tokenId);
      if (drafted.length === room) break;
      pending = [tokenId];
    }
    return drafted;
  }

  #keep(length: number): void {
    if (length >= this.#cached.length) return;
    this.#parts.context.removeTokenCellsFromSequence(0, length, -1);
    this.#cached.length = length;
  }

  /** Returns where the logits of the last token are. */
  async #evaluate(tokens: readonly number[]): Promise<number> {
    const { context, decoder } = this.#parts;
    const last = Uint32Array.of(tokens.length - 1);
    context.initBatch(tokens.length);
    const places = context.addToBatch(0, this.#cached.length, Uint32Array.from(tokens), last);
    await decoder.decode(tokens.length);
    this.#cached.push(...tokens);
    return places[0] as number;
  }

  /** Asked for with one token's logit, so that llama.cpp need not sort the vocabulary. */
  async #choose(logitIndex: number): Promise<number | null> {
    const { context, sampler, leastProbability = LEAST_PROBABILITY } = this.#parts;
    const one: [number[], boolean, boolean, boolean, number] = [[0], false, false, false, 0];
    const [tokenId, , , , weight] = await context.sampleToken(
      logitIndex,
      sampler,
      false,
      false,
      one,
      true,
    );
    const probability = 1 / weight;
    return tokenId < 0 || probability < leastProbability ? null : tokenId;
  }
}
