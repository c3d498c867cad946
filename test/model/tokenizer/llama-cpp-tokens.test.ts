// The real llama.cpp, given the converter's pairs, against the original tokenizers' ids.
// token-ids.json holds what sentencepiece and huggingface/tokenizers (both in Python) answer;
// the samples' reference ids are PyTorch's, each with bos in front.
import { Tokenizer } from '@huggingface/tokenizers';
import type { Llama, LlamaModel } from 'node-llama-cpp';
import t from 'tap';
import { tokenizerMetadata } from '../../../model/tokenizer/tokenizer-metadata.js';
import { readReference } from '../../support/samples.js';
import { loadVocabulary, startLlamaCpp } from '../../support/vocab-gguf.js';
import { readFixture, tokenizerInput } from './stored-tokenizers.js';

type TokenIds = {
  texts: string[];
  ids: Record<string, number[][]>;
  special: { texts: string[]; ids: number[][] };
};
const tokenIds: TokenIds = readFixture('token-ids.json');
let llama: Llama;

t.before(async () => {
  llama = await startLlamaCpp();
});

async function vocabularyOf(name: string): Promise<LlamaModel> {
  const { tokenizer, model } = await tokenizerInput(name);
  return await loadVocabulary(llama, tokenizerMetadata(tokenizer, model).metadata);
}

for (const [name, expected] of Object.entries(tokenIds.ids))
  t.test(`${name}: llama.cpp splits tricky text as the original does`, async (t) => {
    const vocabulary = await vocabularyOf(name);
    for (const [i, text] of tokenIds.texts.entries())
      t.strictSame(vocabulary.tokenize(text), expected[i], `text ${i}`);
  });

for (const name of ['appliance/dense', 'appliance/pruned-20', 'formats/f_fast'])
  t.test(`${name}: llama.cpp's prompt tokens are PyTorch's, bos once`, async (t) => {
    const vocabulary = await vocabularyOf(name);
    t.ok(vocabulary.tokens.shouldPrependBosToken);
    for (const { prompt, tokens } of readReference(name).prompts)
      t.strictSame([vocabulary.tokens.bos, ...vocabulary.tokenize(prompt)], tokens);
  });

t.test("Llama 3's control tokens are found in a template and not in a user's text", async (t) => {
  const vocabulary = await vocabularyOf('made/llama-3');
  const { texts, ids } = tokenIds.special;
  for (const [i, text] of texts.entries())
    t.strictSame(vocabulary.tokenize(text, true), ids[i], text);
  const asText = vocabulary.tokenize('<|eot_id|>');
  const [control] = vocabulary.tokenize('<|eot_id|>', true);
  t.equal(control, vocabulary.tokens.eos);
  t.notOk(asText.some((id) => id === control));
});

t.test('huggingface/tokenizers in JavaScript agrees on a byte-level tokenizer', async (t) => {
  const { tokenizer } = await tokenizerInput('formats/f_fast');
  if (tokenizer.kind !== 'fast') return t.fail('f_fast has a fast tokenizer');
  const original = new Tokenizer(tokenizer.json, tokenizer.config);
  const vocabulary = await vocabularyOf('formats/f_fast');
  for (const text of ['Hello world', "we'll I'VE", '12345 W', '家電 🍚', ' \n\n x'])
    t.strictSame(
      vocabulary.tokenize(text),
      original.encode(text, { add_special_tokens: false }).ids,
    );
});
