// llama.cpp's own llama_model_quantize, from the library that node-llama-cpp ships, as a reference.
// A program of its own, because llama.cpp ends the process where it cannot go on:
// node stock-quantise.js INPUT OUTPUT FTYPE [OUTPUT FTYPE ...]
import { execFile } from 'node:child_process';
import { readdirSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import koffi from 'koffi';

const script = fileURLToPath(import.meta.url);

/** Quantises `input` into every output, whose key is the path and value the LLAMA_FTYPE. */
export async function stockQuantise(input: string, outputs: Record<string, number>): Promise<void> {
  const pairs = Object.entries(outputs).flatMap(([output, ftype]) => [output, String(ftype)]);
  await promisify(execFile)(process.execPath, [script, input, ...pairs]);
}

/** llama_model_quantize_params of include/llama.h. */
const PARAMS = {
  nthread: 'int32_t',
  ftype: 'int',
  output_tensor_type: 'int',
  token_embedding_type: 'int',
  allow_requantize: 'bool',
  quantize_output_tensor: 'bool',
  only_copy: 'bool',
  pure: 'bool',
  keep_split: 'bool',
  dry_run: 'bool',
  imatrix: 'void *',
  kv_overrides: 'void *',
  tt_overrides: 'void *',
  prune_layers: 'void *',
  max_buf_size: 'size_t',
} as const;

function quantiseAll([input, ...pairs]: string[]): void {
  const library = koffi.load(findLlama());
  koffi.struct('llama_model_quantize_params', PARAMS);
  const defaults = library.func(
    'llama_model_quantize_params llama_model_quantize_default_params()',
  );
  const quantise = library.func(
    'uint32_t llama_model_quantize(const char *input, const char *output, const llama_model_quantize_params *params)',
  );
  library.func('void llama_backend_init()')();
  for (let i = 0; i < pairs.length; i += 2) {
    const params = { ...defaults(), nthread: 1, ftype: Number(pairs[i + 1]) };
    const code = quantise(input, pairs[i], params);
    if (code !== 0) throw new Error(`llama_model_quantize returned ${code} for ${pairs[i]}`);
  }
}

/** Beside the package's node-llama-cpp, in the package of this platform that needs no GPU. */
function findLlama(): string {
  const { resolve } = createRequire(import.meta.resolve('node-llama-cpp'));
  const os = { darwin: 'mac', win32: 'win' }[process.platform as string] ?? process.platform;
  const arch = process.arch === 'arm' ? 'armv7l' : process.arch;
  const name = `${os}-${arch}${process.platform === 'darwin' && arch === 'arm64' ? '-metal' : ''}`;
  for (const folder of resolve.paths('node-llama-cpp') ?? []) {
    const bins = path.join(folder, '@node-llama-cpp', name, 'bins', name);
    const file = listFolder(bins).find((file) =>
      /^(lib)?llama\.(v.*\.)?(so|dylib|dll)$/.test(file),
    );
    if (file) return path.join(bins, file);
  }
  throw new Error(`no libllama for ${name}`);
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === realpathSync(script))
  quantiseAll(process.argv.slice(2));
