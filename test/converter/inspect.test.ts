// hearth inspect on every sample and on what was converted of it, as text and as JSON; hostile names
// are shown, never obeyed. Widths are PyTorch's, from pytorch-tensors.json.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import {
  APPLIANCES as appliance,
  FORMATS as formats,
  samplePath,
} from '../../bench/development/sample-models.js';
import { inspect } from '../../converter/inspect.js';
import { convertSample } from '../support/converted.js';
import { hearth } from '../support/hearth.js';
import { fixtures } from '../support/samples.js';
import { tinyGguf } from '../support/tiny-gguf.js';

const folder = t.testdir();
const pytorch: Record<string, Record<string, string>> = JSON.parse(
  readFileSync(path.join(fixtures, 'checkpoints/pytorch-tensors.json'), 'utf8'),
);

for (const name of [...appliance, ...formats])
  t.test(`${name} and its GGUF are the same model`, async (t) => {
    const checkpoint = await inspect(samplePath(name));
    const file = await inspect(await convertSample(folder, name, { type: 'Q4_K_M' }));
    t.equal(file.kind, 'gguf');
    t.equal(file.fileType, 'Q4_K_M');
    t.equal(checkpoint.fileType, null);
    const same = ['headSize', 'nVocab', 'nCtxTrain', 'tiedEmbeddings', 'nParamsDense'] as const;
    for (const key of same) t.strictSame(file[key], checkpoint[key], key);
    t.equal(file.padding?.nEmbd ?? file.nEmbd, checkpoint.nEmbd);
    t.strictSame(
      file.padding?.nFf ?? file.layers.map(({ nFf }) => nFf),
      checkpoint.layers.map(({ nFf }) => nFf),
    );
    t.strictSame(
      file.layers.map(({ nHead }) => nHead),
      checkpoint.layers.map(({ nHead }) => nHead),
    );
    // Nothing tells the format of a fast tokenizer's model without a template.
    t.equal(file.chatTemplate !== null, name !== 'formats/f_fast');
    if (pytorch[name]) t.equal(checkpoint.nParams, countWeights(pytorch[name]));
  });

t.test('text says what a user looks for', async (t) => {
  const file = await convertSample(folder, 'appliance/pruned-20', { type: 'Q5_K_S', name: 'Mine' });
  const run = await hearth(['inspect', file]);
  t.equal(run.status, 0);
  t.equal(run.stderr, '');
  for (const part of [
    /kind +GGUF, architecture deci/,
    /name +Mine/,
    /80\.8 % of 6\.16 M/,
    /6 layers: heads 8, 6 ×5; n_ff 768/,
    /types +Q5_K_S: /,
    /padding +before padding: n_ff 768, 545/,
    /hearth\.source\.sha256/,
    /hearth\.pruning\.arguments +--base_model dense16 .*--pruning_ratio 0\.29 .*--block_wise/,
  ])
    t.match(run.stdout, part);
  const pickle = await hearth([
    'inspect',
    path.join(samplePath('appliance/pruned-20'), 'pytorch_model.bin'),
  ]);
  t.match(pickle.stdout, /LLM-Pruner checkpoint, architecture llama/);
  t.match(pickle.stdout, /F16 \d+\.\d MB/);
});

t.test('JSON has snake_case keys and one entry a layer', async (t) => {
  for (const target of [
    samplePath('formats/f_gqa'),
    await convertSample(t.testdir(), 'formats/f_gqa'),
  ]) {
    const run = await hearth(['inspect', target, '--json']);
    t.equal(run.status, 0);
    const json = JSON.parse(run.stdout);
    t.equal(json.head_count.length, json.head_count_kv.length);
    t.ok(Object.keys(json).every((key) => /^[a-z0-9_]+$/.test(key)));
    t.ok(json.size_bytes > 0 && json.parameters > 0);
  }
});

t.test('bad inputs fail with one message', async (t) => {
  for (const name of readdirSync(path.join(fixtures, 'bad'))) {
    if (name === 'TABLE.md' || name.startsWith('lora-')) continue;
    await t.rejects(inspect(path.join(fixtures, 'bad', name)), { code: /^HEARTH_/ }, name);
  }
  const run = await hearth(['inspect', path.join(fixtures, 'bad/no-stop.bin')]);
  t.equal(run.status, 1);
  t.equal(run.stdout, '');
});

t.test('hostile names are shown, never obeyed', async (t) => {
  const file = path.join(folder, 'hostile.gguf');
  writeFileSync(file, tinyGguf(hostile));
  const run = await hearth(['inspect', file]);
  t.equal(run.status, 0, run.stderr);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  t.notMatch(run.stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  t.match(run.stdout, '\\u001b[2J');
  t.ok(run.stdout.length < 20_000, `${run.stdout.length} characters`);
  t.ok(run.stdout.split('\n').every((line) => line.length < 7000));
});

t.test('no name in a file reaches into the program', async (t) => {
  const file = path.join(folder, 'prototype.gguf');
  const names = { '__proto__.polluted': 'yes', 'constructor.prototype.polluted': 'yes' };
  const metadata = { ...hostile.metadata, ...names };
  // The second reader looks at files of 10 MiB and more.
  writeFileSync(file, tinyGguf({ ...hostile, metadata, dataBytes: 11 << 20 }));
  t.equal((await inspect(file)).arch, 'llama');
  t.notOk('polluted' in {});
});

/** A model of one layer whose texts are commands for a terminal, or very long. */
const hostile = {
  metadata: {
    'general.architecture': 'llama',
    'general.name': `\u001b[2J\u009b31m\u202eevil\r\n\u0007${'x'.repeat(100_000)}`,
    'general.base_model.0.name': `\u001b]0;title\u0007${'y'.repeat(100_000)}`,
    'hearth.source.files': Array.from({ length: 1000 }, (_, i) => `\u001b[3${i}m`),
    'tokenizer.ggml.model': '\u001b[5mllama',
    'tokenizer.ggml.tokens': ['a', 'b', 'c', 'd'],
    'tokenizer.chat_template': `\u001b[0m${'z'.repeat(100_000)}`,
    'llama.block_count': 1,
    'llama.context_length': 16,
    'llama.embedding_length': 32,
    'llama.feed_forward_length': 32,
    'llama.attention.head_count': 1,
    'llama.attention.head_count_kv': 1,
    'llama.attention.layer_norm_rms_epsilon': 1.5e-6,
  },
  tensors: ['token_embd', 'blk.0.attn_q', 'blk.0.ffn_gate', 'output'].map((name, i) => ({
    name: `${name}.weight`,
    type: 0,
    shape: [32, 32],
    offset: 4096 * i,
  })),
  dataBytes: 4 * 4096,
};

/** Of a table of `F16 2048x102 digest` by tensor. */
function countWeights(table: Record<string, string>): number {
  const sizes = (line: string) => line.split(' ')[1]?.split('x').map(Number) ?? [];
  return Object.values(table)
    .map((line) => sizes(line).reduce((product, size) => product * size, 1))
    .reduce((sum, weights) => sum + weights, 0);
}
