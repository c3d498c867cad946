// Small dense Llamas with random weights, as Hugging Face folders that a test makes, and LoRAs for them:
// for what must hold of any weights, such as what pruning leaves of them.
// Shares nothing with the converter. The tokenizer is a fixture's, of 333 tokens.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fixtures } from './samples.js';

/** Row-major; a vector has one dimension. */
export type Matrix = { shape: number[]; values: Float32Array };
/** By Hugging Face names. */
export type Matrices = Map<string, Matrix>;

export type RandomLlama = {
  nLayer: number;
  nEmbd: number;
  nHead: number;
  nHeadKv: number;
  headSize: number;
  nFf: number;
  /** Of every linear module, as a few Llamas have them. */
  hasBiases?: boolean;
};

const N_VOCAB = 333;

/** The weights of a model of these sizes; the same for the same sizes. */
export function randomLlama(sizes: RandomLlama): Matrices {
  const { nLayer, nEmbd, nFf, headSize, hasBiases } = sizes;
  const random = randomNumbers(sizes.nEmbd + sizes.nFf);
  const [queries, keys] = [sizes.nHead * headSize, sizes.nHeadKv * headSize];
  const weights: Matrices = new Map();
  const add = (name: string, ...shape: number[]) => weights.set(name, randomMatrix(shape, random));
  const linear = (name: string, rows: number, columns: number) => {
    add(`${name}.weight`, rows, columns);
    if (hasBiases) add(`${name}.bias`, rows);
  };
  add('model.embed_tokens.weight', N_VOCAB, nEmbd);
  for (let i = 0; i < nLayer; i++) {
    const layer = `model.layers.${i}`;
    linear(`${layer}.self_attn.q_proj`, queries, nEmbd);
    linear(`${layer}.self_attn.k_proj`, keys, nEmbd);
    linear(`${layer}.self_attn.v_proj`, keys, nEmbd);
    linear(`${layer}.self_attn.o_proj`, nEmbd, queries);
    linear(`${layer}.mlp.gate_proj`, nFf, nEmbd);
    linear(`${layer}.mlp.up_proj`, nFf, nEmbd);
    linear(`${layer}.mlp.down_proj`, nEmbd, nFf);
    add(`${layer}.input_layernorm.weight`, nEmbd);
    add(`${layer}.post_attention_layernorm.weight`, nEmbd);
  }
  add('model.norm.weight', nEmbd);
  add('lm_head.weight', N_VOCAB, nEmbd);
  return weights;
}

/** Writes `weights` with a config of `sizes` and a tokenizer into `folder`, which is made; returns it. */
export function writeLlama(
  folder: string,
  sizes: RandomLlama,
  weights: Matrices,
  config: Record<string, unknown> = {},
): string {
  mkdirSync(folder);
  writeSafetensors(path.join(folder, 'model.safetensors'), weights);
  const stored = path.join(fixtures, 'shapes/hf-linear-rope');
  for (const name of ['tokenizer.model', 'tokenizer_config.json', 'special_tokens_map.json'])
    copyFileSync(path.join(stored, name), path.join(folder, name));
  const fields = {
    model_type: 'llama',
    hidden_size: sizes.nEmbd,
    intermediate_size: sizes.nFf,
    num_attention_heads: sizes.nHead,
    num_key_value_heads: sizes.nHeadKv,
    num_hidden_layers: sizes.nLayer,
    head_dim: sizes.headSize,
    vocab_size: N_VOCAB,
    max_position_embeddings: 256,
    bos_token_id: 1,
    eos_token_id: 2,
    ...config,
  };
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(fields));
  return folder;
}

/**
 * A pair of LoRA matrices for each module: A `[rank, columns]`, B `[rows, rank]`; of layers that are
 * stored transposed (fan_in_fan_out), with rows and columns changed.
 */
export function randomLora(
  weights: Matrices,
  modules: readonly string[],
  rank: number,
  { isTransposed = false } = {},
): Matrices {
  const random = randomNumbers(rank);
  const matrices: Matrices = new Map();
  for (const [name, { shape }] of weights) {
    if (!modules.some((module) => name.endsWith(`.${module}.weight`))) continue;
    const module = name.replace(/\.weight$/, '');
    const [rows = 0, columns = 0] = isTransposed ? [...shape].reverse() : shape;
    matrices.set(`${module}.lora_A`, randomMatrix([rank, columns], random));
    matrices.set(`${module}.lora_B`, randomMatrix([rows, rank], random));
  }
  return matrices;
}

/** Writes what {@link randomLora} makes as peft saves it; returns the folder. */
export function writeLora(
  folder: string,
  matrices: Matrices,
  rank: number,
  config: Record<string, unknown> = {},
): string {
  mkdirSync(folder);
  const named = [...matrices].map(([name, matrix]): [string, Matrix] => [
    `base_model.model.${name}.weight`,
    matrix,
  ]);
  writeSafetensors(path.join(folder, 'adapter_model.safetensors'), new Map(named));
  const fields = { peft_type: 'LORA', r: rank, lora_alpha: 2 * rank, ...config };
  writeFileSync(path.join(folder, 'adapter_config.json'), JSON.stringify(fields));
  return folder;
}

function writeSafetensors(file: string, matrices: Matrices): void {
  let end = 0;
  const entries = [...matrices].map(([name, { shape, values }]) => {
    const begin = end;
    end += values.byteLength;
    return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const data = [...matrices.values()].map(({ values }) => Buffer.from(values.buffer));
  writeFileSync(file, Buffer.concat([length, header, ...data]));
}

function randomMatrix(shape: number[], random: () => number): Matrix {
  const count = shape.reduce((product, size) => product * size, 1);
  return { shape, values: Float32Array.from({ length: count }, random) };
}

/** Numbers from -1 to 1, the same for the same seed: mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}
