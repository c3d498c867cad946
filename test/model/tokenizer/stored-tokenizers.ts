// The tokenizers that the tests run on: those of the samples, and two made by hand from them.
// fixtures/tokenizer/made.json holds what is added: tokens behind the vocabulary, and settings.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { samplePath } from '../../../bench/development/sample-models.js';
import { openCheckpoint } from '../../../model/checkpoint/checkpoint.js';
import type { StoredTokenizer } from '../../../model/checkpoint/stored-tokenizer.js';
import { readTokenizerFiles } from '../../../model/checkpoint/tokenizer-folder.js';
import { fixtures } from '../../support/samples.js';

export type TokenizerInput = {
  tokenizer: StoredTokenizer;
  model: {
    nVocab: number;
    config: Record<string, unknown>;
    generationConfig: Record<string, unknown> | null;
    filePath: string;
  };
};

type Made = {
  base: string;
  addedTokens: Record<string, number> | { id: number; content: string }[];
  postProcessor?: unknown;
  tokenizerConfig: Record<string, unknown>;
  config: { vocab_size: number } & Record<string, unknown>;
};

const made: Record<string, Made> = readFixture('made.json');

export function readFixture<T>(name: string): T {
  return JSON.parse(readFileSync(path.join(fixtures, 'tokenizer', name), 'utf8'));
}

/** Of a sample such as `formats/f_fast`, or `made/llama-3`. */
export async function tokenizerInput(name: string): Promise<TokenizerInput> {
  const recipe = made[name.replace('made/', '')];
  return name.startsWith('made/') && recipe ? await make(recipe) : await ofSample(name);
}

async function ofSample(name: string): Promise<TokenizerInput> {
  const filePath = samplePath(name);
  const { tokenizer, tensors, config, generationConfig } = await openCheckpoint(filePath);
  const nVocab = tensors.get('model.embed_tokens.weight')?.shape[0] ?? 0;
  const stored = tokenizer ?? (await readTokenizerFiles(path.join(filePath, 'given')))?.tokenizer;
  if (!stored) throw new Error(`${name} has no tokenizer`);
  return { tokenizer: stored, model: { nVocab, config, generationConfig, filePath } };
}

async function make(recipe: Made): Promise<TokenizerInput> {
  const { tokenizer } = await ofSample(recipe.base);
  const { tokenizerConfig: config, addedTokens } = recipe;
  const model = {
    nVocab: recipe.config.vocab_size,
    config: recipe.config,
    generationConfig: null,
    filePath: 'made by hand',
  };
  if (tokenizer.kind === 'sentencepiece' && !Array.isArray(addedTokens))
    return { tokenizer: { ...tokenizer, config, addedTokens }, model };
  if (tokenizer.kind !== 'fast' || !Array.isArray(addedTokens)) throw new Error('wrong recipe');
  const own = tokenizer.json['added_tokens'] as unknown[];
  const json = {
    ...tokenizer.json,
    added_tokens: [...own, ...addedTokens],
    post_processor: recipe.postProcessor,
  };
  return { tokenizer: { kind: 'fast', json, config }, model };
}
