// Small models in every form that LLM-Pruner and transformers can write, saved by PyTorch itself.
// What PyTorch sees in each lies in fixtures/checkpoints/pytorch-forms.json, CRCs included.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { samplePath } from '../../../bench/development/sample-models.js';
import { openCheckpoint } from '../../../model/checkpoint/checkpoint.js';
import { fixtures } from '../../support/samples.js';
import { TINY_SHAPES, tinyCheckpoint } from '../../support/tiny-torch.js';
import { tensorTable } from './tensor-table.js';

const forms = path.join(fixtures, 'checkpoints/forms');
const pytorch: Record<string, Record<string, string>> = JSON.parse(
  readFileSync(path.join(fixtures, 'checkpoints/pytorch-forms.json'), 'utf8'),
);

for (const [form, seen] of Object.entries(pytorch))
  t.test(`${form} has the tensors that PyTorch sees`, async (t) => {
    const checkpoint = await openCheckpoint(path.join(forms, form));
    t.strictSame(tensorTable(checkpoint.tensors), seen);
    t.equal(checkpoint.tiedEmbeddings, form.includes('tied'));
    if (checkpoint.kind === 'llm-pruner') t.equal(checkpoint.headSize, 4);
  });

t.test('a transposed weight is refused with what to do', async (t) => {
  await t.rejects(openCheckpoint(path.join(forms, 'transposed')), {
    name: 'CheckpointError',
    message: /model\.layers\.1\.mlp\.up_proj\.weight: .* transposed; .*tensor\.contiguous\(\)/,
  });
});

t.test('a weight in double precision is refused with what to do', async (t) => {
  await t.rejects(openCheckpoint(path.join(forms, 'double')), {
    name: 'CheckpointError',
    message: /model\.layers\.0\.mlp\.up_proj\.weight: is a torch\.DoubleStorage.*half precision/,
  });
});

for (const className of [
  'BaiChuanForCausalLM',
  'BloomForCausalLM',
  'ChatGLMForConditionalGeneration',
])
  t.test(`a ${className} is refused by its name`, async (t) => {
    const folder = t.testdir({ 'pytorch_model.bin': tinyCheckpoint({ className }) });
    await t.rejects(openCheckpoint(folder), {
      name: 'CheckpointError',
      message: new RegExp(`its model is a modeling_llama\\.${className}; hearth converts Llama`),
    });
  });

t.test('samples open whichever way their path is written', async (t) => {
  const absolute = await openCheckpoint(samplePath('formats/f_tied'));
  const relative = await openCheckpoint(path.relative('', samplePath('formats/f_tied')));
  t.strictSame(relative.files, absolute.files);
});

const layer = Object.entries(TINY_SHAPES).filter(([name]) => name.includes('.layers.0.'));
const impossible: [string, Record<string, number[]>, RegExp][] = [
  ['an empty embedding', { 'model.embed_tokens.weight': [0, 4] }, /embed_tokens\.weight is empty/],
  ['no hidden size', { 'model.embed_tokens.weight': [4, 0] }, /embed_tokens\.weight is empty/],
  [
    'more layers than llama.cpp has room for',
    Object.fromEntries(
      Array.from({ length: 513 }, (_, i) =>
        layer.map(([name, shape]) => [name.replace('.0.', `.${i}.`), shape] as const),
      ).flat(),
    ),
    /has 513 layers; llama\.cpp runs models of at most 512/,
  ],
];

for (const [name, shapes, message] of impossible)
  t.test(`refused: ${name}`, async (t) => {
    const checkpoint = tinyCheckpoint({ shapes: { ...TINY_SHAPES, ...shapes } });
    const folder = t.testdir({ 'pytorch_model.bin': checkpoint });
    await t.rejects(openCheckpoint(folder), { name: 'CheckpointError', message });
  });
