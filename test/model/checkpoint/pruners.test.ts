// Which tool saved a checkpoint, and the widths that it left in each layer, from the files alone.
// What is there but has no place in llama.cpp is refused by its name, with what to do.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { samplePath } from '../../../bench/development/sample-models.js';
import { openCheckpoint } from '../../../model/checkpoint/checkpoint.js';
import { describeLlama } from '../../../model/shape/llama-model.js';
import { Called, dict, Named } from '../../support/tiny-pickle.js';
import {
  TINY_SHAPES,
  TINY_STORAGES,
  tinyModel,
  tinySafetensors,
  torchArchive,
  writeTinyFolder,
} from '../../support/tiny-torch.js';

/** `heads/KV heads/channels` of each layer. */
const SAVED: Readonly<Record<string, { kind: string; headSize: number; layers: string }>> = {
  flap: { kind: 'flap', headSize: 16, layers: '1/1/33 2/2/33 3/3/29 2/2/27' },
  'flap-folder': { kind: 'hugging-face', headSize: 8, layers: '2/2/16 2/2/18' },
  'torch-pruning': { kind: 'hugging-face', headSize: 16, layers: '2/2/64 2/2/64 2/2/64' },
  'per-layer-config': {
    kind: 'hugging-face',
    headSize: 12,
    layers: '0/0/64 4/2/40 4/1/64 4/2/0 4/2/64 0/0/0',
  },
  puzzletron: {
    kind: 'puzzletron',
    headSize: 12,
    layers: '4/4/64 4/2/40 0/0/0 0/0/24 4/1/0',
  },
  'nemotron-nas': { kind: 'deci-lm', headSize: 8, layers: '4/2/256 0/0/256 4/1/0' },
  decilm: { kind: 'deci-lm', headSize: 8, layers: '4/4/48 4/1/48' },
};

for (const [name, saved] of Object.entries(SAVED))
  t.test(`${name} opens with the widths of its layers`, async (t) => {
    const checkpoint = await openCheckpoint(samplePath(`pruners/${name}`));
    const { headSize, layers } = describeLlama(checkpoint);
    const shown = layers.map(({ nHead, nHeadKv, nFf }) => `${nHead}/${nHeadKv}/${nFf}`).join(' ');
    t.strictSame({ kind: checkpoint.kind, headSize, layers: shown }, saved);
  });

t.test('FLAP leaves biases where something was taken away', async (t) => {
  const { tensors } = await openCheckpoint(samplePath('pruners/flap'));
  const biases = [...tensors.keys()].filter((name) => name.endsWith('.bias'));
  t.match(biases[0], /o_proj\.bias$/);
  t.equal(biases.length, 2 * 4);
});

t.test('a model saved alone is read whoever saved it, with the tokenizer beside it', async (t) => {
  const folder = t.testdir({ 'pruned_model.pt': torchArchive(tinyModel(), TINY_STORAGES) });
  cpSync(samplePath('shapes/hf-linear-rope'), folder, {
    recursive: true,
    filter: (file) => !/config\.json$|model\.safetensors$|reference/.test(file),
  });
  const { kind, tokenizer, files } = await openCheckpoint(path.join(folder, 'pruned_model.pt'));
  t.equal(kind, 'flap');
  t.equal(tokenizer?.kind, 'sentencepiece');
  t.ok(files.some((file) => file.endsWith('tokenizer.model')));
});

t.test('a model of another class that is saved alone is refused by its class', async (t) => {
  const model = new Called(new Named('m', 'OPTForCausalLM'), [], dict({}));
  const folder = t.testdir({ 'pruned_model.pt': torchArchive(model) });
  const message = /pruned_model\.pt: its model is a m\.OPTForCausalLM; hearth converts Llama/;
  await t.rejects(openCheckpoint(folder), { name: 'CheckpointError', message });
});

t.test('a head size that the config leaves out follows from its heads, old or new', async (t) => {
  // Two of four heads are left everywhere: by the hidden size 12 rows, by the weights 6.
  const open = (config: Record<string, unknown>) =>
    openCheckpoint(folderOf(t.testdir(), evenlyPruned, { num_attention_heads: 4, ...config }));
  const flap = { hidden_size: 48, intermediate_size: 16 };
  t.equal((await open(flap)).headSize, 12, 'n_ff is the old one, and so are the heads');
  await t.rejects(open({ ...flap, intermediate_size: 8 }), {
    name: 'CheckpointError',
    message:
      /config\.json: has no head_dim, and 4 heads have 12 rows each .* 6 by the weights; write/,
  });
  t.equal((await open({ ...flap, intermediate_size: 8, head_dim: 12 })).headSize, 12);
  t.equal((await open({ hidden_size: 48, num_attention_heads: 3 })).headSize, 8);
});

const evenlyPruned = widths({ nEmbd: 48, qRows: 24, nFf: 8 });

t.test('a model that stands in the subfolders of its index opens', async (t) => {
  const folder = t.testdir({ parts: {} });
  writeTinyFolder(folder);
  const place = (shard: string) => {
    const map = Object.fromEntries(Object.keys(TINY_SHAPES).map((name) => [name, shard]));
    const index = path.join(folder, 'model.safetensors.index.json');
    writeFileSync(index, JSON.stringify({ weight_map: map }));
    return openCheckpoint(index);
  };
  writeFileSync(path.join(folder, 'parts/a.safetensors'), tinySafetensors());
  t.equal((await place('parts/a.safetensors')).tensors.size, Object.keys(TINY_SHAPES).length);
  for (const shard of [
    'parts/../model.safetensors',
    '../a.safetensors',
    '/a.safetensors',
    'x//a.bin',
  ])
    await t.rejects(place(shard), {
      name: 'CheckpointError',
      message: /names the shard ".*", expected a \.safetensors or \.bin file/,
    });
});

const FOREIGN: Readonly<Record<string, { shapes: Record<string, number[]>; message: RegExp }>> = {
  "SliceGPT's rotations": {
    shapes: { ...TINY_SHAPES, 'model.layers.0.attn_shortcut_Q': [4, 4] },
    message: /attn_shortcut_Q" is one of SliceGPT's rotations .*; prune the original model/,
  },
  'a linear layer in the place of attention': {
    shapes: { ...TINY_SHAPES, 'model.layers.0.self_attn.linear_attn.weight': [4, 4] },
    message: /linear_attn\.weight" is a linear layer in the place of attention/,
  },
  'a linear layer in the place of feed-forward': {
    shapes: { ...TINY_SHAPES, 'model.layers.0.mlp.linear_mlp.weight': [4, 4] },
    message: /linear_mlp\.weight" is a linear layer in the place of attention or feed-forward/,
  },
  'a layer with a hidden size of its own': {
    shapes: {
      ...widths({ nEmbd: 6, qRows: 4, nFf: 8 }),
      'model.embed_tokens.weight': [4, 4],
      'model.norm.weight': [4],
      'lm_head.weight': [4, 4],
    },
    message:
      /input_layernorm\.weight is 6 wide, but the embedding 4: llama\.cpp has one hidden size/,
  },
};

for (const [what, { shapes, message }] of Object.entries(FOREIGN))
  t.test(`${what} is refused by name`, async (t) => {
    const opening = openCheckpoint(folderOf(t.testdir(), shapes));
    await t.rejects(opening, { name: 'CheckpointError', message });
  });

t.test('damage is told as damage: a file cut short, widths that do not fit', async (t) => {
  const file = path.join(t.testdir(), 'pruned_model.pt');
  const whole = readFileSync(path.join(samplePath('pruners/flap'), 'pruned_model.pt'));
  writeFileSync(file, whole.subarray(0, whole.length / 2));
  await t.rejects(openCheckpoint(file), { message: /broken zip archive.*truncated/ });
  const shapes = { ...TINY_SHAPES, 'model.layers.0.mlp.down_proj.weight': [4, 6] };
  writeFileSync(file, torchArchive(tinyModel({ shapes }), TINY_STORAGES));
  await t.rejects(openCheckpoint(file), {
    message: /down_proj\.weight is \[4, 6\], expected \[4, 8\]/,
  });
});

function folderOf(
  folder: string,
  shapes: Readonly<Record<string, number[]>>,
  config: Record<string, unknown> = {},
): string {
  writeTinyFolder(folder, config);
  writeFileSync(path.join(folder, 'model.safetensors'), tinySafetensors(shapes));
  return folder;
}

/** The tiny model with other widths. */
function widths({ nEmbd, qRows, nFf }: Record<'nEmbd' | 'qRows' | 'nFf', number>) {
  const layer = 'model.layers.0';
  const shapes: [string, number[]][] = [
    ...['q', 'k', 'v'].map((name): [string, number[]] => [
      `self_attn.${name}_proj`,
      [qRows, nEmbd],
    ]),
    ['self_attn.o_proj', [nEmbd, qRows]],
    ['mlp.gate_proj', [nFf, nEmbd]],
    ['mlp.up_proj', [nFf, nEmbd]],
    ['mlp.down_proj', [nEmbd, nFf]],
    ['input_layernorm', [nEmbd]],
    ['post_attention_layernorm', [nEmbd]],
  ];
  return {
    ...Object.fromEntries(shapes.map(([name, shape]) => [`${layer}.${name}.weight`, shape])),
    'model.embed_tokens.weight': [4, nEmbd],
    'model.norm.weight': [nEmbd],
    'lm_head.weight': [4, nEmbd],
  };
}
