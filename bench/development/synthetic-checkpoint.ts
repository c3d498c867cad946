// Makes a checkpoint of Llama-2-7B's shape, or a smaller one's, with random weights, pruned as
// LLM-Pruner would: time and memory depend on widths alone, and no 13 GB model has to be at hand.
// A Hugging Face folder in half precision, with the demo's vocabulary. Its answers are noise.
import { cp, mkdir, open, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

export type SyntheticWidths = { nEmbd: number; nVocab: number; nHead: number; nFf: number };

const LLAMA_2_7B: SyntheticWidths = { nEmbd: 4096, nVocab: 32000, nHead: 32, nFf: 11008 };
const N_LAYER = 32;
const HEAD_SIZE = 128;

/** What is left of a pruned layer of Llama-2-7B at each ratio (percent). */
export const PRUNED = {
  0: { nHead: LLAMA_2_7B.nHead, nFf: LLAMA_2_7B.nFf, firstLayer: 0, endLayer: 0 },
  20: { nHead: 24, nFf: 8256, firstLayer: 4, endLayer: 30 },
  35: { nHead: 18, nFf: 6054, firstLayer: 4, endLayer: 30 },
  50: { nHead: 13, nFf: 4403, firstLayer: 3, endLayer: 31 },
} as const;

export type PruningRatio = keyof typeof PRUNED;

export type SyntheticOptions = {
  /** Other than 0 for Llama-2-7B's own widths alone. */
  ratio: PruningRatio;
  /** As many of them are pruned as of the whole model's 32, in the middle, as there. */
  nLayer?: number;
  widths?: SyntheticWidths;
  /** The weights are a hole in the file, for what reads no weights: all zeros, and no room on the disk. */
  isHollow?: boolean;
};

/** Writes a checkpoint into `folder`. */
export async function makeSyntheticCheckpoint(
  folder: string,
  { ratio, nLayer = N_LAYER, widths = LLAMA_2_7B, isHollow = false }: SyntheticOptions,
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const tokenizer = new URL('../../../test/fixtures/appliance/dense/', import.meta.url);
  for (const name of ['tokenizer.model', 'tokenizer_config.json', 'special_tokens_map.json'])
    await cp(new URL(name, tokenizer), path.join(folder, name));
  await writeFile(
    path.join(folder, 'config.json'),
    JSON.stringify(config(nLayer, widths), null, 2),
  );
  const shapes = listShapes(ratio, nLayer, widths);
  await writeWeights(path.join(folder, 'model.safetensors'), shapes, isHollow);
}

/** Stale widths, as LLM-Pruner leaves them. */
function config(nLayer: number, { nEmbd, nFf, nHead, nVocab }: SyntheticWidths) {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: nEmbd,
    intermediate_size: nFf,
    num_attention_heads: nHead,
    num_key_value_heads: nHead,
    num_hidden_layers: nLayer,
    vocab_size: nVocab,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    hidden_act: 'silu',
    torch_dtype: 'float16',
  };
}

type Shapes = [name: string, shape: number[]][];

function listShapes(ratio: PruningRatio, nLayer: number, widths: SyntheticWidths): Shapes {
  const { nEmbd, nVocab } = widths;
  const { firstLayer, endLayer, ...pruned } = PRUNED[ratio];
  const isPruned = (layer: number) => {
    const inWhole = ((layer + 0.5) * N_LAYER) / nLayer;
    return inWhole > firstLayer && inWhole < endLayer;
  };
  const layers = Array.from({ length: nLayer }, (_, layer) =>
    listLayer(layer, isPruned(layer) ? { ...widths, ...pruned } : widths),
  );
  return [
    ['model.embed_tokens.weight', [nVocab, nEmbd]],
    ...layers.flat(),
    ['model.norm.weight', [nEmbd]],
    ['lm_head.weight', [nVocab, nEmbd]],
  ];
}

function listLayer(layer: number, { nEmbd, nHead, nFf }: SyntheticWidths): Shapes {
  const rows = nHead * HEAD_SIZE;
  const shapes: Shapes = [
    ['input_layernorm', [nEmbd]],
    ['self_attn.q_proj', [rows, nEmbd]],
    ['self_attn.k_proj', [rows, nEmbd]],
    ['self_attn.v_proj', [rows, nEmbd]],
    ['self_attn.o_proj', [nEmbd, rows]],
    ['post_attention_layernorm', [nEmbd]],
    ['mlp.gate_proj', [nFf, nEmbd]],
    ['mlp.up_proj', [nFf, nEmbd]],
    ['mlp.down_proj', [nEmbd, nFf]],
  ];
  return shapes.map(([name, shape]) => [`model.layers.${layer}.${name}.weight`, shape]);
}

async function writeWeights(filePath: string, shapes: Shapes, isHollow: boolean): Promise<void> {
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
  await using file = await open(filePath, 'w');
  await file.writev([length, json]);
  if (isHollow) return await file.truncate(length.length + json.length + end);
  const noise = halfPrecisionNoise();
  for (const [name, shape] of shapes)
    await writeTensor(
      file,
      name.includes('norm') ? ones(elements(shape)) : noise,
      2 * elements(shape),
    );
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

/** Twice as many: they are taken from anywhere in the first half. */
function ones(n: number): Buffer {
  const values = Buffer.alloc(2 * n * 2);
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
