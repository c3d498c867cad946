// llama.cpp's own llama_model_quantize as a process of its own, which llama.cpp may end:
// node stock-quantise.js THREADS [--imatrix GGUF] INPUT OUTPUT FTYPE [OUTPUT FTYPE ...] [-- ...], where 0 threads
// are all, and what follows -- is another input: llama.cpp's tables for types of two and three bits take seconds
// of CPU in each process.
// The reference for hearth's one pass, in time and in bytes; prints its peak memory as JSON.
import koffi from 'koffi';
import { findLlamaLibrary } from './libraries.js';
import { loadStockImatrix } from './stock-imatrix.js';

const [threads, ...words] = process.argv.slice(2);

/** Of include/llama.h. */
koffi.struct('llama_model_quantize_params', {
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
});
const library = koffi.load(findLlamaLibrary('llama'));
const defaults = library.func('llama_model_quantize_params llama_model_quantize_default_params()');
const quantise = library.func(
  'uint32_t llama_model_quantize(const char *in, const char *out, const llama_model_quantize_params *params)',
);
library.func('void llama_backend_init()')();
while (words.length > 0) {
  const end = words.indexOf('--');
  quantiseInput(words.splice(0, end < 0 ? words.length : end + 1).filter((word) => word !== '--'));
}
process.stdout.write(JSON.stringify({ peak_rss_bytes: process.resourceUsage().maxRSS * 1024 }));

function quantiseInput(given: string[]): void {
  const imatrix = given[0] === '--imatrix' ? given.splice(0, 2)[1] : undefined;
  const [input, ...pairs] = given;
  const importance = imatrix === undefined ? null : loadStockImatrix(imatrix);
  for (let i = 0; i < pairs.length; i += 2) {
    const chosen = { nthread: Number(threads), ftype: Number(pairs[i + 1]), imatrix: importance };
    const params = { ...defaults(), ...chosen, allow_requantize: true };
    const status: number = quantise(input, pairs[i], params);
    if (status !== 0) throw new Error(`llama_model_quantize returned ${status} for ${pairs[i]}`);
  }
}
