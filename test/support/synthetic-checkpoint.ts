// A Hugging Face folder as large as a test needs, for what takes time or memory: interruption,
// progress, peak memory. Weights repeat one random megabyte, small enough to be finite in any type.
// Its tokenizer is the appliance samples'.
import { closeSync, copyFileSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { samplePath } from './samples.js';

const [N_EMBD, N_FF, N_HEAD, N_VOCAB] = [1024, 2816, 8, 2048];

/** Writes a folder of `nLayer` layers of 25.7 MB each in half precision. */
export function writeSyntheticCheckpoint(folder: string, nLayer: number): string {
  mkdirSync(folder, { recursive: true });
  const config = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: N_EMBD,
    intermediate_size: N_FF,
    num_hidden_layers: nLayer,
    num_attention_heads: N_HEAD,
    num_key_value_heads: N_HEAD,
    vocab_size: N_VOCAB,
    max_position_embeddings: 512,
    rms_norm_eps: 1e-6,
    torch_dtype: 'float16',
  };
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config));
  for (const name of ['tokenizer.model', 'tokenizer_config.json', 'special_tokens_map.json'])
    copyFileSync(path.join(samplePath('appliance/dense'), name), path.join(folder, name));
  writeWeights(path.join(folder, 'model.safetensors'), listShapes(nLayer));
  return folder;
}

function listShapes(nLayer: number): Record<string, number[]> {
  const shapes: Record<string, number[]> = {
    'model.embed_tokens.weight': [N_VOCAB, N_EMBD],
    'model.norm.weight': [N_EMBD],
    'lm_head.weight': [N_VOCAB, N_EMBD],
  };
  for (let i = 0; i < nLayer; i++) {
    const layer = `model.layers.${i}`;
    for (const name of ['q', 'k', 'v', 'o'])
      shapes[`${layer}.self_attn.${name}_proj.weight`] = [N_EMBD, N_EMBD];
    for (const name of ['gate', 'up']) shapes[`${layer}.mlp.${name}_proj.weight`] = [N_FF, N_EMBD];
    shapes[`${layer}.mlp.down_proj.weight`] = [N_EMBD, N_FF];
    shapes[`${layer}.input_layernorm.weight`] = [N_EMBD];
    shapes[`${layer}.post_attention_layernorm.weight`] = [N_EMBD];
  }
  return shapes;
}

function writeWeights(filePath: string, shapes: Record<string, number[]>): void {
  let end = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const start = end;
    end += 2 * shape.reduce((product, size) => product * size, 1);
    return [name, { dtype: 'F16', shape, data_offsets: [start, end] }] as const;
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const file = openSync(filePath, 'w');
  writeSync(file, Buffer.concat([length, header]));
  const block = randomHalves(1 << 19);
  for (let done = 0; done < end; done += block.length)
    writeSync(file, block, 0, Math.min(block.length, end - done));
  closeSync(file);
}

/** Halves between 2^-7 and 2^-3 of both signs, from a fixed generator. */
function randomHalves(n: number): Buffer {
  const bytes = Buffer.alloc(2 * n);
  let state = 1;
  for (let i = 0; i < n; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const exponent = 8 + ((state >>> 8) % 4);
    bytes.writeUInt16LE((state & 0x8000) | (exponent << 10) | (state >>> 22), 2 * i);
  }
  return bytes;
}
