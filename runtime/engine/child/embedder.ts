// Vectors of texts, for models that were trained to embed.
// A context of its own, made at the first request: most models never get one.
import type { LlamaEmbeddingContext, LlamaModel } from 'node-llama-cpp';
import type { EngineInfo } from '../engine.js';
import { EngineError } from '../engine-error.js';

export function openEmbedder(model: LlamaModel, info: EngineInfo) {
  let context: LlamaEmbeddingContext | undefined;
  return async (texts: string[]): Promise<{ vectors: number[][]; promptTokens: number }> => {
    if (!info.canEmbed)
      throw new EngineError({
        code: 'no-embeddings',
        message: `${info.modelName} writes text and was not trained to embed: its GGUF names no pooling type`,
      });
    context ??= await model.createEmbeddingContext({ threads: info.threads });
    const vectors: number[][] = [];
    let promptTokens = 0;
    for (const text of texts) {
      const length = context.calculateInputLength(text);
      checkLength(length, info.nCtxTrain);
      promptTokens += length;
      vectors.push(unitLength((await context.getEmbeddingFor(text)).vector));
    }
    return { vectors, promptTokens };
  };
}

function checkLength(neededTokens: number, availableTokens: number): void {
  if (neededTokens <= availableTokens) return;
  throw new EngineError({
    code: 'context-overflow',
    message: `a text needs ${neededTokens} tokens, but the model embeds ${availableTokens} at most`,
    neededTokens,
    availableTokens,
  });
}

/** As OpenAI and llama-server send them, so that a dot product is the cosine. */
function unitLength(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return length === 0 ? [...vector] : vector.map((value) => value / length);
}
