// Builds torch.save archives and Llama models of a few bytes, for tests that need a wrong one.
// The smallest model that is whole: tests change one part of it and see what the reader says.
// Uncompressed zips alone; shares nothing with the reader.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { Called, dict, Named, type Plain, Storage, tinyPickle } from './tiny-pickle.js';

export type TinyEntry = { name: string; bytes: Buffer };

/** A zip archive of uncompressed entries. */
export function storedZip(entries: readonly TinyEntry[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes } of entries) {
    const local = Buffer.concat([zipHeader('PK\x03\x04', name, bytes), Buffer.from(name), bytes]);
    directory.push(directoryHeader(name, bytes, offset), Buffer.from(name));
    locals.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  return Buffer.concat([...locals, central, zipEnd(entries.length, central.length, offset)]);
}

/** What torch.save writes: data.pkl and the storages by their keys. */
export function torchArchive(root: Plain | Buffer, storages: Record<string, Buffer> = {}): Buffer {
  const pickle = Buffer.isBuffer(root) ? root : tinyPickle(root);
  return storedZip([
    { name: 'archive/data.pkl', bytes: pickle },
    ...Object.entries(storages).map(([key, bytes]) => ({ name: `archive/data/${key}`, bytes })),
    { name: 'archive/version', bytes: Buffer.from('3\n') },
  ]);
}

/** Shapes of a whole Llama: 4 tokens, 4 wide, one head of 4, n_ff 8, one layer. */
export const TINY_SHAPES: Readonly<Record<string, number[]>> = {
  'model.embed_tokens.weight': [4, 4],
  'model.layers.0.self_attn.q_proj.weight': [4, 4],
  'model.layers.0.self_attn.k_proj.weight': [4, 4],
  'model.layers.0.self_attn.v_proj.weight': [4, 4],
  'model.layers.0.self_attn.o_proj.weight': [4, 4],
  'model.layers.0.mlp.gate_proj.weight': [8, 4],
  'model.layers.0.mlp.up_proj.weight': [8, 4],
  'model.layers.0.mlp.down_proj.weight': [4, 8],
  'model.layers.0.input_layernorm.weight': [4],
  'model.layers.0.post_attention_layernorm.weight': [4],
  'model.norm.weight': [4],
  'lm_head.weight': [4, 4],
};

const TINY_CONFIG: Readonly<Record<string, unknown>> = {
  model_type: 'llama',
  hidden_size: 4,
  num_attention_heads: 1,
  num_hidden_layers: 1,
};

/** The one storage, `0`, that every tensor of {@link tinyModel} looks at. */
export const TINY_STORAGES = { '0': Buffer.alloc(64 * 2) };

export type TinyModel = {
  shapes?: Readonly<Record<string, number[]>>;
  config?: Plain;
  /** Other fields of the model object. */
  fields?: Record<string, Plain>;
  className?: string;
};

/** A pickled LlamaForCausalLM whose tensors all share one storage. */
export function tinyModel(model: TinyModel = {}): Called {
  const { shapes = TINY_SHAPES, config = tinyConfig(), fields = {} } = model;
  const root = moduleOf(shapes, '');
  const named = new Named('modeling_llama', model.className ?? 'LlamaForCausalLM');
  return new Called(named, [], dict({ ...root, config, ...fields }));
}

/** LLM-Pruner's `{'model': ..., 'tokenizer': ...}` as an archive. */
export function tinyCheckpoint(model: TinyModel = {}, tokenizer: Plain = null): Buffer {
  return torchArchive(dict({ model: tinyModel(model), tokenizer }), TINY_STORAGES);
}

/** A half-precision tensor of `shape` at the start of storage 0. */
export function tinyTensor(shape: number[]): Called {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const storage = new Storage('HalfStorage', '0', 64);
  return new Called(new Named('torch._utils', '_rebuild_tensor_v2'), [
    storage,
    0,
    shape,
    strides,
    false,
    new Called(new Named('collections', 'OrderedDict')),
  ]);
}

/** A safetensors file of zeros, F16. */
export function tinySafetensors(shapes: Readonly<Record<string, number[]>> = TINY_SHAPES): Buffer {
  let end = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const begin = end;
    end += 2 * shape.reduce((a, b) => a * b, 1);
    return [name, { dtype: 'F16', shape, data_offsets: [begin, end] }];
  });
  return safetensorsFile(JSON.stringify(Object.fromEntries(entries)), end);
}

/** A safetensors file around any header text, followed by `dataBytes` of zeros. */
export function safetensorsFile(header: string, dataBytes = 0): Buffer {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(dataBytes)]);
}

/** A Hugging Face folder of the tiny model; `config` is laid over the config. */
export function writeTinyFolder(folder: string, config: Record<string, unknown> = {}): void {
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ ...TINY_CONFIG, ...config }));
  writeFileSync(path.join(folder, 'model.safetensors'), tinySafetensors());
}

function tinyConfig(): Called {
  const fields = Object.entries(TINY_CONFIG) as [string, Plain][];
  return new Called(new Named('configuration_llama', 'LlamaConfig'), [], new Map(fields));
}

/** `_modules` and `_parameters` of the module whose weights are named in `shapes`. */
function moduleOf(
  shapes: Readonly<Record<string, number[]>>,
  prefix: string,
): Record<string, Plain> {
  const below = Object.keys(shapes).filter((name) => name.startsWith(prefix));
  const parts = below.map((name) => name.slice(prefix.length).split('.'));
  const own = parts.filter((part) => part.length === 1).map(([name]) => name as string);
  const children = new Set(parts.filter((part) => part.length > 1).map(([name]) => name as string));
  const torchModule = new Named('torch.nn.modules.module', 'Module');
  return {
    _parameters: dict(
      Object.fromEntries(own.map((name) => [name, tinyTensor(shapes[prefix + name] ?? [])])),
    ),
    _modules: dict(
      Object.fromEntries(
        [...children].map((name) => [
          name,
          new Called(torchModule, [], dict(moduleOf(shapes, `${prefix}${name}.`))),
        ]),
      ),
    ),
  };
}

function zipHeader(magic: string, name: string, bytes: Buffer): Buffer {
  const header = Buffer.alloc(30);
  header.write(magic, 'latin1');
  header.writeUInt32LE(crc32(bytes), 14);
  header.writeUInt32LE(bytes.length, 18);
  header.writeUInt32LE(bytes.length, 22);
  header.writeUInt16LE(Buffer.byteLength(name), 26);
  return header;
}

function directoryHeader(name: string, bytes: Buffer, offset: number): Buffer {
  const header = Buffer.alloc(46);
  header.write('PK\x01\x02', 'latin1');
  zipHeader('', name, bytes).copy(header, 6, 4, 28);
  header.writeUInt32LE(offset, 42);
  return header;
}

function zipEnd(count: number, sizeBytes: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(sizeBytes, 12);
  end.writeUInt32LE(offset, 16);
  return end;
}
