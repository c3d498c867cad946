// Whether a file computes what PyTorch computed of the checkpoint that it was made from: stock llama.cpp's
// logits for every prompt of a sample's reference, and the text that it goes on with.
// For weights that are not rounded; what quantisation costs is held to other measures.
import type { Test } from 'tap';
import { loadModel } from './llama-logits.js';
import { relativeDifference } from './logit-distance.js';
import { readReference } from './samples.js';

/** `file` is a GGUF of the sample `name`. */
export async function sameAsPyTorch(t: Test, name: string, file: string): Promise<void> {
  const reference = readReference(name);
  await using loaded = await loadModel(file);
  for (const { tokens, greedy_tokens, logits_offset: start } of reference.prompts) {
    const expected = reference.logits.subarray(start, start + tokens.length * reference.n_vocab);
    const difference = relativeDifference(loaded.logits(tokens), expected);
    t.ok(difference <= 1e-3, `relative difference ${difference}`);
    // llama.cpp's generation stops at the end token, PyTorch's list goes on.
    const end = greedy_tokens.indexOf(2);
    const text = end < 0 ? greedy_tokens : greedy_tokens.slice(0, end);
    t.strictSame(loaded.greedy(tokens, text.length), text);
  }
}
