// Shapes read from hand-written headers: uniform, pruned layer by layer, and inconsistent.
import t from 'tap';
import type { GgufFile, GgufValue } from '../../../model/gguf/gguf-file.js';
import { shapeOfGguf, widthsOfGguf } from '../../../model/shape/model-shape.js';

function header(metadata: Record<string, GgufValue>, arch = 'deci'): GgufFile {
  const tensor = { type: 'F32' as const, offsetBytes: 0, sizeBytes: 0 };
  return {
    path: 'model.gguf',
    version: 3,
    metadata: { 'general.architecture': arch, ...metadata },
    tensors: [
      { ...tensor, name: 'token_embd.weight', shape: [64, 100] },
      { ...tensor, name: 'output_norm.weight', shape: [64] },
      { ...tensor, name: 'blk.0.ffn_up.weight', shape: [64, 96] },
    ],
    dataOffset: 0,
    sizeBytes: 0,
  };
}

const pruned = {
  'general.name': 'Appliance',
  'deci.block_count': 2,
  'deci.embedding_length': 64,
  'deci.context_length': 512,
  'deci.attention.head_count': [8, 6],
  'deci.attention.head_count_kv': [4, 2],
  'deci.feed_forward_length': [96, 45],
  'deci.attention.key_length': 8,
};

t.test('a model pruned layer by layer', (t) => {
  t.strictSame(shapeOfGguf(header(pruned)), {
    name: 'Appliance',
    arch: 'deci',
    nLayer: 2,
    nEmbd: 64,
    nVocab: 100,
    nHead: [8, 6],
    nHeadKv: [4, 2],
    nFf: [96, 45],
    headSize: 8,
    nCtxTrain: 512,
    tiedEmbeddings: true,
    nParams: 64 * 100 + 64 + 64 * 96,
  });
  t.end();
});

t.test('a uniform model: one number for all layers, head size from the heads', (t) => {
  const shape = shapeOfGguf(
    header(
      {
        'llama.block_count': 3,
        'llama.embedding_length': 64,
        'llama.context_length': 512,
        'llama.attention.head_count': 4,
        'llama.feed_forward_length': 96,
      },
      'llama',
    ),
  );
  t.match(shape, { name: '', nHead: [4, 4, 4], nHeadKv: [4, 4, 4], nFf: [96, 96, 96] });
  t.equal(shape.headSize, 16);
  t.end();
});

const wrong: [string, Record<string, GgufValue>, RegExp][] = [
  [
    'three widths for two layers',
    { 'deci.feed_forward_length': [1, 2, 3] },
    /3 elements.*2 layers/,
  ],
  ['a negative width', { 'deci.feed_forward_length': [96, -1] }, /feed_forward_length is -1/],
  ['text for a number', { 'deci.embedding_length': 'wide' }, /embedding_length is wide/],
  ['more layers than tensors', { 'deci.block_count': 4e9 }, /block_count is 4000000000/],
  ['another architecture', { 'general.architecture': 'qwen2' }, /"qwen2" model/],
];

for (const [name, change, message] of wrong)
  t.test(`refused: ${name}`, (t) => {
    t.throws(() => shapeOfGguf(header({ ...pruned, ...change })), { code: 'HEARTH_GGUF', message });
    t.end();
  });

t.test('the widths of a pruned model are those of its shape', (t) => {
  const { headSize, nCtxTrain, tiedEmbeddings, ...widths } = shapeOfGguf(header(pruned));
  t.strictSame(widthsOfGguf(header(pruned)), widths);
  t.end();
});

t.test('other architectures and broken headers have the widths that they tell', (t) => {
  const bert = {
    'general.name': 'Embedder',
    'bert.block_count': 2,
    'bert.embedding_length': 64,
    'bert.attention.head_count': 8,
    'bert.feed_forward_length': [96, -1],
  };
  t.match(widthsOfGguf(header(bert, 'bert')), {
    ...{ name: 'Embedder', arch: 'bert', nLayer: 2, nEmbd: 64, nVocab: 100 },
    ...{ nHead: [8, 8], nHeadKv: [8, 8], nFf: [], nParams: 64 * 100 + 64 + 64 * 96 },
  });
  const lying = { ...bert, 'bert.block_count': 2 ** 40, 'general.name': 7 };
  t.match(widthsOfGguf(header(lying, 'bert')), { name: '', nLayer: 0, nHead: [], nEmbd: 64 });
  t.match(widthsOfGguf({ ...header({}), metadata: {}, tensors: [] }), {
    ...{ arch: 'unknown', nLayer: 0, nVocab: 0, nParams: 0 },
  });
  t.end();
});
