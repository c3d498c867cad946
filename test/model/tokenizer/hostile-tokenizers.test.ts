// Broken and hostile tokenizers: whatever is in them, only a CheckpointError may come out.
// Damaged sentencepiece models are real ones with bytes changed, cut or repeated; tokenizer.json objects
// are real ones with any value put anywhere near the top.
import fc from 'fast-check';
import t from 'tap';
import { CheckpointError } from '../../../model/checkpoint/checkpoint-error.js';
import type { StoredTokenizer } from '../../../model/checkpoint/stored-tokenizer.js';
import { tokenizerMetadata } from '../../../model/tokenizer/tokenizer-metadata.js';
import { type TokenizerInput, tokenizerInput } from './stored-tokenizers.js';

function failsCleanly(tokenizer: StoredTokenizer, model: TokenizerInput['model']): void {
  try {
    const { metadata } = tokenizerMetadata(tokenizer, model);
    const tokens = metadata['tokenizer.ggml.tokens'];
    if (tokens?.type !== 'ARRAY' || tokens.value.length !== model.nVocab)
      throw new Error('the tokens are not as many as the rows');
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
  }
}

t.test('a damaged sentencepiece model', async (t) => {
  const { tokenizer, model } = await tokenizerInput('formats/f_old');
  if (tokenizer.kind !== 'sentencepiece') return t.fail('f_old has a tokenizer.model');
  const bytes = tokenizer.model;
  const changes = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(changes, fc.nat(bytes.length), (flips, end) => {
      const damaged = bytes.slice(0, end);
      for (const [offset, value] of flips) damaged[offset % Math.max(end, 1)] = value;
      failsCleanly({ ...tokenizer, model: damaged }, model);
    }),
    { numRuns: 200 },
  );
});

t.test('bytes that are no sentencepiece model', async () => {
  const model = { nVocab: 300, config: {}, generationConfig: null, filePath: 'x' };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
      failsCleanly({ kind: 'sentencepiece', model: bytes, config: {}, addedTokens: {} }, model),
    ),
    { numRuns: 500 },
  );
});

const TOP = ['model', 'added_tokens', 'pre_tokenizer', 'post_processor', 'normalizer', 'decoder'];
const IN_MODEL = ['type', 'vocab', 'merges', 'byte_fallback', 'ignore_merges', 'dropout'];
const IN_CONFIG = ['bos_token', 'eos_token', 'added_tokens_decoder', 'add_bos_token', 'unk_token'];

for (const name of ['formats/f_fast', 'formats/f_gqa'])
  t.test(`${name} with any JSON in any place`, async (t) => {
    const { tokenizer, model } = await tokenizerInput(name);
    if (tokenizer.kind !== 'fast') return t.fail('a fast tokenizer');
    const put = (keys: string[]) => fc.dictionary(fc.constantFrom(...keys), fc.jsonValue());
    const changes = fc.record({ json: put(TOP), bpe: put(IN_MODEL), config: put(IN_CONFIG) });
    fc.assert(
      fc.property(changes, ({ json, bpe, config }) => {
        const changed = { model: { ...(tokenizer.json['model'] as object), ...bpe }, ...json };
        const hostile = { ...tokenizer, json: { ...tokenizer.json, ...changed }, config };
        failsCleanly(hostile, { ...model, config });
      }),
      { numRuns: 200 },
    );
  });

t.test('a sentencepiece model of a million empty pieces ends at the rows', async (t) => {
  const model = new Uint8Array(4 << 20).map((_, i) => (i % 2 === 0 ? 0x0a : 0));
  const tokenizer: StoredTokenizer = { kind: 'sentencepiece', model, config: {}, addedTokens: {} };
  const settings = { nVocab: 2048, config: {}, generationConfig: null, filePath: 'x' };
  const message = /more than the 2048 tokens that the embedding has rows/;
  t.throws(() => tokenizerMetadata(tokenizer, settings), { message });
});
