// Stock llama.cpp's logits at every position, through node-llama-cpp, to hold beside PyTorch's.
// On the CPU, with a float32 KV cache and without flash attention, so that rounding is all that differs.
import type { Llama, LlamaModel, Token } from 'node-llama-cpp';
import { LlamaLogLevel, openNodeLlama } from '../../llama/node-llama.js';

export type LoadedModel = AsyncDisposable & {
  model: LlamaModel;
  /** Logits after each of `tokens`, `[n_tokens, n_vocab]`. */
  logits(tokens: readonly number[]): Promise<Float32Array>;
  /** The likeliest continuation. */
  greedy(tokens: readonly number[], nTokens: number): Promise<number[]>;
};

/** Loads a GGUF with a context of `nCtx` tokens. */
export async function loadModel(modelPath: string, nCtx = 512): Promise<LoadedModel> {
  const llama = await startLlama();
  const model = await llama.loadModel({ modelPath, useMmap: false });
  const context = await model.createContext({
    contextSize: nCtx,
    // One thread: on a busy machine two of ggml's spin on each other.
    threads: 1,
    flashAttention: false,
    experimentalKvCacheKeyType: 'F32',
    experimentalKvCacheValueType: 'F32',
  });
  const sequence = context.getSequence();
  const nextLogits = { generateNext: { logits: true, options: { temperature: 0 } } } as const;
  return {
    model,
    async logits(tokens) {
      await sequence.clearHistory();
      const input = tokens.map(
        (token) => [token as Token, nextLogits] as [Token, typeof nextLogits],
      );
      const outputs = await sequence.controlledEvaluate(input);
      const nVocab = outputs[0]?.next.logits?.size ?? 0;
      const all = new Float32Array(tokens.length * nVocab);
      outputs.forEach((output, i) => {
        for (const [token, logit] of output?.next.logits ?? []) all[i * nVocab + token] = logit;
      });
      return all;
    },
    async greedy(tokens, nTokens) {
      await sequence.clearHistory();
      const generated: number[] = [];
      for await (const token of sequence.evaluate(tokens as Token[], { temperature: 0 })) {
        generated.push(token);
        if (generated.length === nTokens) break;
      }
      return generated;
    },
    async [Symbol.asyncDispose]() {
      await context.dispose();
      await model.dispose();
    },
  };
}

let started: Promise<Llama> | undefined;

/** Once a process; warnings about per-layer widths are expected, errors are not. */
function startLlama(): Promise<Llama> {
  started ??= openNodeLlama({ gpu: false, logLevel: LlamaLogLevel.error });
  return started;
}
