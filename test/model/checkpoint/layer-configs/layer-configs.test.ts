// What a config may say of single layers, in each of its spellings, and what it may not: a wrong type, a
// width that the weights do not have, a part that llama.cpp cannot compute. Each is refused by its field.
import t from 'tap';
import { openCheckpoint } from '../../../../model/checkpoint/checkpoint.js';
import { writeTinyFolder } from '../../../support/tiny-torch.js';

type Config = Record<string, unknown>;

const perLayer = (layer: unknown): Config => ({ per_layer_config: { '0': layer } });
const block = (attention: Config, ffn: Config = {}, rest: Config = {}): Config => ({
  block_configs: [
    {
      attention: { num_key_value_heads: 1, ...attention },
      ffn: { intermediate_size: 8, ...ffn },
      ...rest,
    },
  ],
});
const nas = (attention: Config, ffn: Config = {}) =>
  block(
    { num_key_value_heads: null, n_heads_in_group: 1, ...attention },
    { intermediate_size: null, ffn_mult: 1, ...ffn },
  );
const decilm = (list: unknown): Config => ({
  model_type: 'deci',
  num_key_value_heads_per_layer: list,
});

const TAKEN: Readonly<Record<string, Config>> = {
  'no layer that differs': { per_layer_config: {} },
  'a number filled up with zeros': { per_layer_config: { '00': { intermediate_size: 8 } } },
  'an override that changes nothing': perLayer({ hidden_size: 4, skip: [] }),
  'a block with everything else off': block(
    { no_op: false, replace_with_linear: false, sparsify: [], mamba: null, window_length: null },
    { no_op: false, moe: null, hidden_act: 'silu', gated: true, weights_precision: 'bf16' },
    { parallel_blocks: null },
  ),
  'a list of KV heads': decilm([1]),
  'a DeciLM without a model_type': {
    ...decilm([1]),
    model_type: undefined,
    architectures: ['DeciLMForCausalLM'],
  },
};

for (const [what, config] of Object.entries(TAKEN))
  t.test(`taken: ${what}`, async (t) => {
    const checkpoint = await openCheckpoint(folderWith(t.testdir(), config));
    t.equal(checkpoint.tensors.get('model.layers.0.mlp.gate_proj.weight')?.shape[0], 8);
  });

const REFUSED: Readonly<Record<string, [Config, RegExp]>> = {
  'layers as a list': [{ per_layer_config: [{}] }, /per_layer_config a list, expected an object/],
  'a layer as a number': [
    perLayer(8),
    /per_layer_config\["0"\] 8; expected one object for a layer/,
  ],
  'a layer that is not there': [
    { per_layer_config: { '1': {} } },
    /per_layer_config\["1"\] an object; expected one object for a layer from 0 to 0/,
  ],
  'a layer of no number': [{ per_layer_config: { '0x0': {} } }, /per_layer_config\["0x0"\]/],
  'a layer named twice': [{ per_layer_config: { '0': {}, '00': {} } }, /per_layer_config\["00"\]/],
  'a width as text': [
    perLayer({ intermediate_size: '8' }),
    /per_layer_config\["0"\]\.intermediate_size "8", expected a whole number/,
  ],
  'a width below 0': [perLayer({ num_key_value_heads: -1 }), /num_key_value_heads -1, expected/],
  'a width of other weights': [
    perLayer({ intermediate_size: 6 }),
    /promises 6 rows of model\.layers\.0\.mlp\.gate_proj\.weight, but the weights have 8; a file/,
  ],
  'a head size of its own': [perLayer({ head_dim: 8 }), /head_dim 8, which llama\.cpp has one of/],
  'a hidden size of its own': [perLayer({ hidden_size: 8 }), /hidden_size 8, which llama\.cpp has/],
  'a sliding window': [perLayer({ sliding_window: 64 }), /sliding_window 64, which llama\.cpp has/],
  'a skip as text': [perLayer({ skip: 'mlp' }), /skip "mlp"; hearth converts layers that skip/],
  'a skip of a norm': [perLayer({ skip: ['mlp', 'norm'] }), /skip "mlp", "norm"; hearth converts/],
  'a skip of what is there': [
    perLayer({ skip: ['mlp'] }),
    /promises 0 rows of model\.layers\.0\.mlp\.gate_proj\.weight, but the weights have 8/,
  ],
  'layers without a count of them': [
    { ...perLayer({ intermediate_size: 8 }), num_hidden_layers: '1' },
    /num_hidden_layers "1", expected a whole number/,
  ],
  'more layers than any model has': [
    { ...perLayer({ intermediate_size: 8 }), num_hidden_layers: 1e9 },
    /num_hidden_layers 1000000000, expected at most 10000/,
  ],
  'blocks as an object': [{ block_configs: {} }, /block_configs an object, expected a list/],
  'fewer blocks than layers': [
    { ...block({}), num_hidden_layers: 2 },
    /has 1 entries in block_configs, but num_hidden_layers is 2/,
  ],
  'a block of no attention': [
    { block_configs: [{ ffn: {} }] },
    /block_configs\[0\]\.attention missing, expected an object/,
  ],
  'a block of null': [{ block_configs: [null] }, /block_configs\[0\]\.attention missing/],
  'no_op as text': [block({ no_op: 'yes' }), /block_configs\[0\]\.attention\.no_op "yes"; hearth/],
  'a linear layer for attention': [
    block({ replace_with_linear: true }),
    /attention\.replace_with_linear true; a linear layer .* no_op in its place/,
  ],
  'a linear layer for feed-forward': [
    block({}, { replace_with_linear: true }),
    /ffn\.replace_with_linear true; a linear layer/,
  ],
  experts: [block({}, { moe: { num_local_experts: 8 } }), /ffn\.moe an object; hearth converts no/],
  'a state space layer': [block({ mamba: {} }), /attention\.mamba an object; hearth converts no/],
  'a window': [block({ window_length: 64 }), /attention\.window_length 64; hearth converts plain/],
  'another activation': [block({}, { hidden_act: 'relu2' }), /ffn\.hidden_act "relu2"; hearth/],
  'blocks side by side': [
    block({}, {}, { parallel_blocks: [{}] }),
    /\.parallel_blocks a list; hear/,
  ],
  'a block without KV heads': [
    block({ num_key_value_heads: null }),
    /attention\.n_heads_in_group missing, expected a whole number/,
  ],
  'groups that do not divide the heads': [
    nas({ n_heads_in_group: 3 }),
    /attention\.n_heads_in_group 3; expected a divisor of num_attention_heads 1/,
  ],
  'groups of nobody': [nas({ n_heads_in_group: 0 }), /n_heads_in_group 0; expected a divisor/],
  'a factor as text': [nas({}, { ffn_mult: '1' }), /ffn\.ffn_mult "1"; expected a number above 0/],
  'a factor of other weights': [nas({}), /promises 256 rows of .*gate_proj\.weight, but .* have 8/],
  'a list of KV heads as text': [decilm('1'), /num_key_value_heads_per_layer "1", expected a list/],
  'KV heads of more layers': [decilm([1, 1]), /has 2 entries in num_key_value_heads_per_layer/],
  'KV heads below 0': [decilm([-1]), /num_key_value_heads_per_layer\[0\] -1, expected a whole/],
  'KV heads of other weights': [decilm([2]), /promises 8 rows of .*k_proj\.weight, but .* have 4/],
  'another architecture': [{ model_type: 'gemma' }, /model_type "gemma"; hearth converts "llama"/],
  'other positions': [
    { ...decilm([1]), position_embedding_type: 'mistral_yarn' },
    /position_embedding_type "mistral_yarn", expected "rope"/,
  ],
};

for (const [what, [config, message]] of Object.entries(REFUSED))
  t.test(`refused: ${what}`, async (t) => {
    const opening = openCheckpoint(folderWith(t.testdir(), config));
    await t.rejects(opening, { name: 'CheckpointError', message });
  });

function folderWith(folder: string, config: Config): string {
  writeTinyFolder(folder, { intermediate_size: 8, ...config });
  return folder;
}
