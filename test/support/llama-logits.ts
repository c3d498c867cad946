// Stock llama.cpp's logits at every position, to hold beside PyTorch's.
// On the CPU, with a float32 KV cache and without flash attention, so that rounding is all that differs; by the calls
// of llama.h, as node-llama-cpp makes a JavaScript object of every logit.
import { allocateBatch } from '../../llama/batch.js';
import { openModel } from '../../llama/libllama.js';
import { librariesFor } from '../../llama/model-settings.js';

export type LoadedModel = AsyncDisposable & {
  /** llama.cpp's own words, such as `deci 7B Q4_K - Medium`. */
  type: string;
  /** With the token that begins a text. */
  tokenize(text: string): number[];
  /** Logits after each of `tokens`, `[n_tokens, n_vocab]`; valid until the next call. */
  logits(tokens: readonly number[]): Float32Array;
  /** The likeliest continuation. */
  greedy(tokens: readonly number[], nTokens: number): number[];
};

const F32_ID = 0;

/** Loads a GGUF with a context of `nCtx` tokens. */
export async function loadModel(modelPath: string, nCtx = 512): Promise<LoadedModel> {
  const settings = {
    ...{ gpu: false as const, libraries: librariesFor(false), gpuLayers: 0, kvTypeId: F32_ID },
    ...{ threads: 1, hasFixedThreads: true, flashAttention: false, mmap: false },
  };
  const model = await openModel({ ...settings, modelPath }, () => {});
  const context = model.openContext(nCtx);
  const batch = allocateBatch(nCtx, { picksLogits: true });
  const decode = (tokens: readonly number[]) => {
    batch.tokens.set(tokens);
    batch.wanted?.fill(1, 0, tokens.length);
    context.decode(batch, tokens.length);
    return context.logits(tokens.length);
  };
  const logits = (tokens: readonly number[]) => {
    context.clear();
    return decode(tokens);
  };
  return {
    type: model.type,
    tokenize: (text) => [...model.vocab.tokenize(text)],
    logits,
    greedy(tokens, nTokens) {
      const generated: number[] = [];
      for (let next = logits(tokens); generated.length < nTokens; ) {
        const last = next.subarray(next.length - model.vocab.nTokens);
        generated.push(last.indexOf(Math.max(...last)));
        next = decode(generated.slice(-1));
      }
      return generated;
    },
    async [Symbol.asyncDispose]() {
      batch.free();
      context.close();
      model.close();
    },
  };
}
