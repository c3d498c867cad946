// Makes a checkpoint of Llama-2-7B's shape with random weights, pruned as LLM-Pruner would: time
// and memory depend on widths alone, and no 13 GB model has to be at hand.
// A Hugging Face folder in half precision, with the demo's vocabulary. Its answers are noise.
import { cp, mkdir, open, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Widths of Llama-2-7B, and what is left of a pruned layer at each ratio (percent). */
const N_EMBD = 4096;
const N_VOCAB = 32000;
const HEAD_SIZE = 128;
const DENSE = { nHead: 32, nFf: 11008 };
const N_LAYER = 32;
export const PRUNED = {
  0: { ...DENSE, firstLayer: 0, endLayer: 0 },
  20: { nHead: 24, nFf: 8256, firstLayer: 4, endLayer: 30 },
  35: { nHead: 18, nFf: 6054, firstLayer: 4, endLayer: 30 },
  50: { nHead: 13, nFf: 4403, firstLayer: 3, endLayer: 31 },
} as const;

export type PruningRatio = keyof typeof PRUNED;

/**
 * Writes a checkpoint into `folder`. Of `nLayer` layers as many are pruned as of the whole model's
 * 32, in the middle, as there.
 */
export async function makeSyntheticCheckpoint(
  folder: string,
  { ratio, nLayer = N_LAYER }: { ratio: PruningRatio; nLayer?: number },
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const tokenizer = new URL('../../test/fixtures/appliance/dense/', import.meta.url);
  for (const name of ['tokenizer.model', 'tokenizer_config.json', 'special_tokens_map.json'])
    await cp(new URL(name, tokenizer), path.join(folder, name));
  await writeFile(path.join(folder, 'config.json'), JSON.stringify(config(nLayer), null, 2));
  await writeWeights(path.join(folder, 'model.safetensors'), listShapes(ratio, nLayer));
}

/** Stale widths, as LLM-Pruner leaves them. */
function config(nLayer: number) {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: N_EMBD,
    intermediate_size: DENSE.nFf,
    num_attention_heads: DENSE.nHead,
    num_key_value_heads: DENSE.nHead,
    num_hidden_layers: nLayer,
    vocab_size: N_VOCAB,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    hidden_act: 'silu',
    torch_dtype: 'float16',
  };
}

type Shapes = [name: string, shape: number[]][];

function listShapes(ratio: PruningRatio, nLayer: number): Shapes {
  const { firstLayer, endLayer, ...pruned } = PRUNED[ratio];
  const isPruned = (layer: number) => {
    const inWhole = ((layer + 0.5) * N_LAYER) / nLayer;
    return inWhole > firstLayer && inWhole < endLayer;
  };
  const layers = Array.from({ length: nLayer }, (_, layer) =>
    listLayer(layer, isPruned(layer) ? pruned : DENSE),
  );
  return [
    ['model.embed_tokens.weight', [N_VOCAB, N_EMBD]],
    ...layers.flat(),
    ['model.norm.weight', [N_EMBD]],
    ['lm_head.weight', [N_VOCAB, N_EMBD]],
  ];
}

function listLayer(layer: number, { nHead, nFf }: { nHead: number; nFf: number }): Shapes {
  const rows = nHead * HEAD_SIZE;
  const shapes: Shapes = [
    ['input_layernorm', [N_EMBD]],
    ['self_attn.q_proj', [rows, N_EMBD]],
    ['self_attn.k_proj', [rows, N_EMBD]],
    ['self_attn.v_proj', [rows, N_EMBD]],
    ['self_attn.o_proj', [N_EMBD, rows]],
    ['post_attention_layernorm', [N_EMBD]],
    ['mlp.gate_proj', [nFf, N_EMBD]],
    ['mlp.up_proj', [nFf, N_EMBD]],
    ['mlp.down_proj', [N_EMBD, nFf]],
  ];
  return shapes.map(([name, shape]) => [`model.layers.${layer}.${name}.weight`, shape]);
}

async function writeWeights(filePath: string, shapes: Shapes): Promise<void> {
  let end = 0;
  const header = Object.fromEntries(
    shapes.map(([name, shape]) => {
      const begin = end;
      end += 2 * elements(shape);
      return [name, { dtype: 'F16', shape, data_offsets: [begin, end] }];
    }),
  );
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const noise = halfPrecisionNoise();
  await using file = await open(filePath, 'w');
  await file.writev([length, json]);
  for (const [name, shape] of shapes)
    await writeTensor(file, name.includes('norm') ? ones() : noise, 2 * elements(shape));
}

async function writeTensor(
  file: Awaited<ReturnType<typeof open>>,
  values: Buffer,
  sizeBytes: number,
): Promise<void> {
  // Another start each time, so that tensors and rows are not copies of each other.
  let start = 2 * Math.floor(Math.random() * (values.length / 4));
  for (let left = sizeBytes; left > 0; ) {
    const part = values.subarray(start, Math.min(values.length, start + left));
    await file.write(part);
    left -= part.length;
    start = 0;
  }
}

const NOISE_WEIGHTS = (4 << 20) + 7;

/** Normally distributed with a deviation of 0.02, as trained weights about are. */
function halfPrecisionNoise(): Buffer {
  const values = Buffer.alloc(2 * NOISE_WEIGHTS);
  for (let i = 0; i < NOISE_WEIGHTS; i++) {
    const radius = 0.02 * Math.sqrt(-2 * Math.log(1 - Math.random()));
    values.writeUInt16LE(toHalf(radius * Math.cos(2 * Math.PI * Math.random())), 2 * i);
  }
  return values;
}

function ones(): Buffer {
  const values = Buffer.alloc(2 * N_EMBD * 2);
  for (let i = 0; i < values.length; i += 2) values.writeUInt16LE(0x3c00, i);
  return values;
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Truncated to half precision; of numbers below 2^-14 zero is left. */
function toHalf(value: number): number {
  float[0] = value;
  const [word = 0] = bits;
  const exponent = ((word >>> 23) & 0xff) - 112;
  const sign = (word >>> 16) & 0x8000;
  return exponent <= 0 ? sign : sign | (exponent << 10) | ((word >>> 13) & 0x3ff);
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
