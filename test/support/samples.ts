// Where the real LLM-Pruner outputs lie that the tests run on, and what PyTorch answers for them.
// Tests run compiled, from dist/test, so paths start at the package's root.
// shared/samples/README.md, from which these were copied, describes each.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { unpackedFixtures } from '../../bench/development/packed-fixtures.js';

export const packageRoot = path.resolve(import.meta.dirname, '../../..');
/** test/fixtures, with its packed files as they were. */
export const fixtures = unpackedFixtures();

export type ReferencePrompt = {
  question: string;
  prompt: string;
  tokens: number[];
  greedy_tokens: number[];
  greedy_text: string;
  /** Where this prompt's logits start in {@link Reference.logits}. */
  logits_offset: number;
};

export type Reference = {
  n_vocab: number;
  /** Whether the tokenizer itself puts id 1 in front; told where it differs from Llama-2's. */
  adds_bos?: boolean;
  prompts: ReferencePrompt[];
  heldout_answer_perplexity?: number;
  /** `[n_tokens, n_vocab]` of every prompt, one after the other. */
  logits: Float32Array;
};

/** PyTorch's answers for a sample: `plain`, or `lora` with its LoRA merged. */
export function readReference(name: string, variant: 'plain' | 'lora' = 'plain'): Reference {
  const base = path.join(fixtures, name, 'reference', variant);
  const bytes = readFileSync(`${base}.f32`);
  return {
    ...(JSON.parse(readFileSync(`${base}.json`, 'utf8')) as Omit<Reference, 'logits'>),
    logits: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4),
  };
}
