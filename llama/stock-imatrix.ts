// An importance matrix as llama_model_quantize takes it, read by ggml's own reader of GGUF, so that the
// reference shares nothing with hearth's: means are sums over counts, as in tools/quantize/quantize.cpp.
// For dense models. What it allocates stays until the process ends.
import koffi from 'koffi';
import { findLlamaLibrary } from './libraries.js';

koffi.struct('gguf_init_params', { no_alloc: 'bool', ctx: 'void *' });

/** A pointer to llama_model_imatrix_data[], ended by zeros. Throws where ggml cannot read the file. */
export function loadStockImatrix(filePath: string): unknown {
  const tensors = readTensors(filePath);
  const entries = [...tensors].flatMap(([name, sums]) => {
    if (!name.endsWith('.in_sum2')) return [];
    const weight = name.slice(0, -'.in_sum2'.length);
    const count = Math.fround(tensors.get(`${weight}.counts`)?.values[0] as number);
    sums.values.set(sums.values.map((sum) => sum / count));
    return [{ name: address(cString(weight)), data: sums.address, n: sums.values.length }];
  });
  const nWords = 3 * (entries.length + 1);
  const list = koffi.alloc('uint64_t', nWords);
  const words = new BigUint64Array(koffi.view(list, 8 * nWords));
  words.fill(0n);
  words.set(entries.flatMap(({ name, data, n }) => [name, data, BigInt(n)]));
  return list;
}

type Loaded = { address: bigint; values: Float32Array };

function readTensors(filePath: string): Map<string, Loaded> {
  const library = koffi.load(findLlamaLibrary('ggml-base'));
  const read = library.func('void *gguf_init_from_file(const char *path, gguf_init_params params)');
  const first = library.func('void *ggml_get_first_tensor(void *ctx)');
  const next = library.func('void *ggml_get_next_tensor(void *ctx, void *tensor)');
  const nameOf = library.func('const char *ggml_get_name(void *tensor)');
  const dataOf = library.func('void *ggml_get_data_f32(void *tensor)');
  const countOf = library.func('int64_t ggml_nelements(void *tensor)');
  const context = koffi.alloc('void *', 1);
  if (!read(filePath, { no_alloc: false, ctx: context }))
    throw new Error(`ggml cannot read ${filePath}`);
  const ctx: unknown = koffi.decode(context, 'void *');
  const tensors = new Map<string, Loaded>();
  for (let tensor = first(ctx); tensor; tensor = next(ctx, tensor)) {
    const data = dataOf(tensor);
    const values = new Float32Array(koffi.view(data, 4 * Number(countOf(tensor))));
    tensors.set(nameOf(tensor), { address: address(data), values });
  }
  return tensors;
}

function address(pointer: unknown): bigint {
  return koffi.address(pointer);
}

function cString(text: string): unknown {
  const bytes = Buffer.from(`${text}\0`);
  const memory = koffi.alloc('uint8_t', bytes.length);
  new Uint8Array(koffi.view(memory, bytes.length)).set(bytes);
  return memory;
}
