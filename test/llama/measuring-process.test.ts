// What is told of a process that measures and fails, by what llama.cpp said (v0.5.0, with little memory to take).
import t from 'tap';
import { withLastWords } from '../../llama/measuring-process.js';

t.test(
  'memory that ran out is told with what to do, not by the last line, which tells nothing',
  (t) => {
    const log = [
      'ggml_aligned_malloc: insufficient memory (attempted to allocate 250.00 MB)',
      'alloc_tensor_range: failed to allocate AMX buffer of size 262144000',
      'llama_model_load: error loading model: unable to allocate AMX buffer',
      'llama_model_load_from_file_impl: failed to load model',
    ];
    t.match(
      withLastWords('llama.cpp cannot load dense.gguf', log),
      /dense\.gguf: llama_model_load: .* unable to allocate AMX buffer; memory ran out: free some, .* --gpu off/,
    );
    t.end();
  },
);

t.test('what failed otherwise is told by the last line that names it', (t) => {
  const log = ['llama_model_load: error loading model: unknown model architecture', 'done'];
  t.equal(withLastWords('cannot load it', log), `cannot load it: ${log[0]}`);
  t.equal(withLastWords('cannot load it', ['done']), 'cannot load it');
  t.end();
});
