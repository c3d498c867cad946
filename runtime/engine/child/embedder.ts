// Vectors of texts, for models that were trained to embed.
// A context of its own, made at the first request: most models never get one.
import type { LlamaEmbeddingContext, LlamaModel } from 'node-llama-cpp';
import type { EngineInfo } from '../engine.js';
import { EngineError } from '../engine-error.js';

export class Embedder {
  readonly #model: LlamaModel;
  readonly #info: EngineInfo;
  #context: LlamaEmbeddingContext | undefined;

  constructor(model: LlamaModel, info: EngineInfo) {
    this.#model = model;
    this.#info = info;
  }

  async embed(texts: string[]): Promise<{ vectors: number[][]; promptTokens: number }> {
    if (!this.#info.canEmbed)
      throw new EngineError({
        code: 'no-embeddings',
        message: `${this.#info.modelName} writes text and was not trained to embed: its GGUF names no pooling type`,
      });
    this.#context ??= await this.#model.createEmbeddingContext({ threads: this.#info.threads });
    const vectors: number[][] = [];
    let promptTokens = 0;
    for (const text of texts) {
      const length = this.#context.calculateInputLength(text);
      this.#checkLength(length);
      promptTokens += length;
      vectors.push(unitLength((await this.#context.getEmbeddingFor(text)).vector));
    }
    return { vectors, promptTokens };
  }

  #checkLength(neededTokens: number): void {
    const availableTokens = this.#info.nCtxTrain;
    if (neededTokens <= availableTokens) return;
    throw new EngineError({
      code: 'context-overflow',
      message: `a text needs ${neededTokens} tokens, but the model embeds ${availableTokens} at most`,
      neededTokens,
      availableTokens,
    });
  }
}

/** As OpenAI and llama-server send them, so that a dot product is the cosine. */
function unitLength(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return length === 0 ? [...vector] : vector.map((value) => value / length);
}
