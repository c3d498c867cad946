// How unlikely a text is to the model that is calibrated with it, by the logits of some of its chunks: what tells
// a text in a language that the model does not speak. Scored as hearth compare does, the second half of each
// chunk. Runs no model.
import { logSumExp, PerplexityTally } from '../../llama/quality/definitions.js';
import { isScored } from '../../llama/quality/scorer.js';

/** With fewer tokens before them, those of any text are unlikely. */
export const LEAST_CONTEXT = 256;

export class TextLikelihood {
  readonly #nBytes: number;
  readonly #nTokens: number;
  readonly #nVocab: number;
  readonly #tally = new PerplexityTally();

  /** Of the text, all of its bytes and tokens, whose share is scored here. */
  constructor(text: string, { nTokens, nVocab }: { nTokens: number; nVocab: number }) {
    this.#nBytes = Buffer.byteLength(text);
    this.#nTokens = nTokens;
    this.#nVocab = nVocab;
  }

  /** `logits` are those of the chunk's tokens from `start` on, a row each. */
  add(logits: Float32Array, chunk: Int32Array, start: number): void {
    for (let row = 0; row * this.#nVocab < logits.length; row++) {
      if (!isScored(start + row, chunk.length)) continue;
      const own = logits.subarray(row * this.#nVocab, (row + 1) * this.#nVocab);
      this.#tally.add(logSumExp(own) - (own[chunk[start + row + 1] as number] as number));
    }
  }

  get natsPerByte(): number {
    return (Math.log(this.#tally.perplexity.value) * this.#nTokens) / this.#nBytes;
  }
}
