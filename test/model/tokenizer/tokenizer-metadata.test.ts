// The pairs of every sample's tokenizer against those that llama.cpp's own converter writes for it.
// stock-pairs.json was written by LlamaModel.set_vocab of convert_hf_to_gguf.py (llama.cpp v0.5.0) for
// the same files; of long arrays it holds the SHA-256 of their bytes as a GGUF stores them.
import { createHash } from 'node:crypto';
import t from 'tap';
import type { StoredTokenizer } from '../../../model/checkpoint/stored-tokenizer.js';
import type { GgufEntry, GgufMetadata } from '../../../model/gguf/gguf-metadata.js';
import { tokenizerMetadata } from '../../../model/tokenizer/tokenizer-metadata.js';
import { readFixture, type TokenizerInput, tokenizerInput } from './stored-tokenizers.js';

type StockEntry = { type: string; value: unknown };
const stockPairs: Record<string, Record<string, StockEntry>> = readFixture('stock-pairs.json');

/** llama.cpp's converter gives all tokens of a fast Llama tokenizer one score, and so other tokens. */
const FAST_LLAMA = ['formats/f_gqa', 'formats/f_tied'];

for (const [name, expected] of Object.entries(stockPairs))
  t.test(`${name} has the pairs of llama.cpp's converter`, async (t) => {
    const { tokenizer, model } = await tokenizerInput(name);
    const { metadata } = tokenizerMetadata(tokenizer, model);
    const scores = 'tokenizer.ggml.scores';
    const differs = FAST_LLAMA.includes(name) ? [scores] : [];
    t.same(without(digest(metadata), differs), without(expected, differs));
  });

function digest(metadata: GgufMetadata): Record<string, StockEntry> {
  return Object.fromEntries(
    Object.entries(metadata).map(([key, entry]) => [
      key,
      {
        type: entry.type,
        value:
          entry.type === 'ARRAY'
            ? { length: entry.value.length, sha256: sha256(bytesOf(entry)) }
            : entry.value,
      },
    ]),
  );
}

function bytesOf(entry: Extract<GgufEntry, { type: 'ARRAY' }>): Buffer {
  if (entry.of === 'STRING') return Buffer.concat(entry.value.map(sized));
  const values =
    entry.of === 'FLOAT32' ? Float32Array.from(entry.value) : Int32Array.from(entry.value);
  return Buffer.from(values.buffer);
}

function sized(text: string): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
  return Buffer.concat([length, Buffer.from(text)]);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function without<T>(pairs: Record<string, T>, keys: string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(pairs).filter(([key]) => !keys.includes(key)));
}

t.test(
  'a fast Llama tokenizer gets the scores of the sentencepiece model it came from',
  async (t) => {
    const fast = await tokenizerInput('formats/f_gqa');
    const slow = await tokenizerInput('formats/f_old');
    t.strictSame(mergedScores(fast), mergedScores(slow));
  },
);

/** Scores of the tokens that merges make: for single characters the score has no meaning. */
function mergedScores({ tokenizer, model }: TokenizerInput): [string, number][] {
  const { metadata } = tokenizerMetadata(tokenizer, model);
  const [tokens, scores] = ['tokens', 'scores'].map((name) => metadata[`tokenizer.ggml.${name}`]);
  if (tokens?.type !== 'ARRAY' || scores?.type !== 'ARRAY') return [];
  return tokens.value
    .map((token, id): [string, number] => [String(token), Math.abs(Number(scores.value[id]))])
    .filter(([token]) => [...token].length > 1 && !token.startsWith('<'));
}

t.test('ids of an early Llama config that contradict the vocabulary are corrected', async (t) => {
  const { tokenizer, model } = await tokenizerInput('formats/f_old');
  const config = { bos_token_id: 0, eos_token_id: 1, pad_token_id: -1 };
  const unnamed = { ...tokenizer, config: { bos_token: '', eos_token: '', unk_token: '' } };
  const { metadata, warnings } = tokenizerMetadata(unnamed, { ...model, config });
  t.match(metadata['tokenizer.ggml.bos_token_id'], { value: 1 });
  t.match(metadata['tokenizer.ggml.eos_token_id'], { value: 2 });
  t.notOk(metadata['tokenizer.ggml.padding_token_id']);
  t.equal(warnings.length, 2);
  t.match(warnings[0], /bos_token_id 0.*tokenizer's bos is 1/);
});

t.test("the tokenizer's own eos wins over config.json's", async (t) => {
  const { tokenizer, model } = await tokenizerInput('made/added-pieces');
  const config = { ...tokenizer.config, eos_token: '<|im_end|>' };
  const { metadata } = tokenizerMetadata({ ...tokenizer, config }, model);
  t.match(metadata['tokenizer.ggml.eos_token_id'], { value: 2050 });
});

t.test('eos from a list of ids is taken where nothing else names one', async (t) => {
  const { tokenizer, model } = await tokenizerInput('made/llama-3');
  const bare = { ...tokenizer, config: { bos_token: '<|begin_of_text|>' } };
  const { metadata } = tokenizerMetadata(bare, {
    ...model,
    config: {},
    generationConfig: { eos_token_id: [1556, 2] },
  });
  t.match(metadata['tokenizer.ggml.eos_token_id'], { value: 1556 });
});

t.test('a byte-level tokenizer that adds no bos says so, as llama.cpp would add one', async (t) => {
  const { tokenizer, model } = await tokenizerInput('formats/f_fast');
  const { metadata } = tokenizerMetadata(withJson(tokenizer, { post_processor: null }), model);
  t.match(metadata['tokenizer.ggml.add_bos_token'], { type: 'BOOL', value: false });
});

t.test('an added token behind the last row of the embedding is left out and told', async (t) => {
  const { tokenizer, model } = await tokenizerInput('made/added-pieces');
  const { warnings } = tokenizerMetadata(tokenizer, model);
  t.equal(warnings.length, 1);
  t.match(warnings[0], /"<out>" \(id 2100\) is left out: the embedding has 2056 rows/);
});

t.test('merges stored as text are those stored as pairs', async (t) => {
  const { tokenizer, model } = await tokenizerInput('formats/f_fast');
  if (tokenizer.kind !== 'fast') return t.fail('f_fast has a fast tokenizer');
  const bpe = tokenizer.json['model'] as { merges: string[][] };
  const merges = bpe.merges.map((pair) => pair.join(' '));
  const asText = withJson(tokenizer, { model: { ...bpe, merges } });
  t.strictSame(tokenizerMetadata(asText, model), tokenizerMetadata(tokenizer, model));
});

t.test('the pre-tokeniser follows from the expression and ignore_merges', async (t) => {
  const { tokenizer, model } = await tokenizerInput('formats/f_fast');
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
  const cases: [string, Record<string, unknown>, unknown][] = [
    ['smaug-bpe', { ignore_merges: false }, undefined],
    ['gpt-2', { ignore_merges: false }, bytes],
    [
      'smollm',
      { ignore_merges: false },
      {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Digits', individual_digits: true },
          { ...bytes, use_regex: true },
        ],
      },
    ],
  ];
  for (const [pre, bpe, preTokenizer] of cases) {
    const changed = withModel(tokenizer, bpe, preTokenizer && { pre_tokenizer: preTokenizer });
    t.match(tokenizerMetadata(changed, model).metadata['tokenizer.ggml.pre'], { value: pre });
  }
});

function withJson(tokenizer: StoredTokenizer, json: Record<string, unknown>): StoredTokenizer {
  return tokenizer.kind === 'fast'
    ? { ...tokenizer, json: { ...tokenizer.json, ...json } }
    : tokenizer;
}

function withModel(
  tokenizer: StoredTokenizer,
  bpe: Record<string, unknown>,
  json: unknown = {},
): StoredTokenizer {
  if (tokenizer.kind !== 'fast') return tokenizer;
  const model = { ...(tokenizer.json['model'] as object), ...bpe };
  return withJson(tokenizer, { model, ...(json as object) });
}

const split = (regex: string) => ({
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false },
    { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
  ],
});
const REFUSED: [string, string, (tokenizer: StoredTokenizer) => StoredTokenizer, RegExp][] = [
  ['unigram', 'formats/f_fast', (from) => withModel(from, { type: 'Unigram' }), /"Unigram" model/],
  ['dropout', 'formats/f_fast', (from) => withModel(from, { dropout: 0.1 }), /dropout 0.1/],
  ['no merges', 'formats/f_fast', (from) => withModel(from, { merges: null }), /no merges/],
  ['a merge of one', 'formats/f_fast', (from) => withModel(from, { merges: ['ab'] }), /two parts/],
  ['a double id', 'formats/f_fast', (from) => withModel(from, { vocab: { a: 1, b: 1 } }), /twice/],
  ['a negative id', 'formats/f_fast', (from) => withModel(from, { vocab: { a: -1 } }), /id -1/],
  [
    'an unknown split',
    'formats/f_fast',
    (from) => withJson(from, { pre_tokenizer: split('(a+)+$') }),
    /splits text by .*\(a\+\)\+\$.*cannot reproduce/,
  ],
  [
    'a normaliser',
    'formats/f_fast',
    (from) => withJson(from, { normalizer: { type: 'Lowercase' } }),
    /rewrites text by .*Lowercase/,
  ],
  [
    'a token twice',
    'formats/f_fast',
    (from) =>
      withJson(from, {
        added_tokens: [
          { id: 1600, content: '<twice>' },
          { id: 1601, content: '<twice>' },
        ],
      }),
    /tokens 1600 and 1601 are both "<twice>"/,
  ],
  [
    'tokens that llama.cpp cuts at NUL and then mistakes for one another',
    'formats/f_fast',
    (from) =>
      withJson(from, {
        added_tokens: [
          { id: 1600, content: 'cut\0y' },
          { id: 1601, content: 'cut\0z' },
        ],
      }),
    /tokens 1600 and 1601 are both/,
  ],
  [
    'an added token that renumbers another',
    'formats/f_fast',
    (from) => withJson(from, { added_tokens: [{ id: 1600, content: '!' }] }),
    /ids 3 and 1600 for "!"/,
  ],
  [
    'a normaliser before sentencepiece',
    'formats/f_gqa',
    (from) => withJson(from, { normalizer: { type: 'NFKC' } }),
    /prepares text by .*NFKC/,
  ],
  [
    'no byte tokens',
    'formats/f_gqa',
    (from) => withModel(from, { vocab: { a: 0 } }),
    /no token "<0x00>"/,
  ],
];

for (const [what, name, change, message] of REFUSED)
  t.test(`refuses ${what}`, async (t) => {
    const { tokenizer, model } = await tokenizerInput(name);
    t.throws(() => tokenizerMetadata(change(tokenizer), model), {
      name: 'CheckpointError',
      message,
    });
  });

t.test('refuses a vocabulary that is larger than the embedding', async (t) => {
  for (const name of ['formats/f_fast', 'formats/f_gqa', 'formats/f_old']) {
    const { tokenizer, model } = await tokenizerInput(name);
    const message = /1000 .*pass the tokenizer that belongs to the model/;
    t.throws(() => tokenizerMetadata(tokenizer, { ...model, nVocab: 1000 }), { message });
  }
});

t.test('refuses a unigram sentencepiece model', async (t) => {
  const { tokenizer, model } = await tokenizerInput('formats/f_old');
  if (tokenizer.kind !== 'sentencepiece') return t.fail('f_old has a tokenizer.model');
  // A later trainer_spec (field 2) with model_type (field 3) UNIGRAM replaces the earlier one.
  const unigram = Uint8Array.from([...tokenizer.model, 0x12, 2, 0x18, 1]);
  t.throws(() => tokenizerMetadata({ ...tokenizer, model: unigram }, model), {
    message: /sentencepiece model is UNIGRAM; llama.cpp runs only BPE/,
  });
});
