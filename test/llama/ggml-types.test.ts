// The table against what llama.cpp's own library says of each type.
import path from 'node:path';
import koffi from 'koffi';
import t from 'tap';
import {
  FOREIGN_GGML_TYPES,
  GGML_TYPES,
  ggmlTypeById,
  rowSizeBytes,
} from '../../llama/ggml-types.js';
import { packageRoot } from '../support/samples.js';

const platform = `${process.platform}-${process.arch}`.replace('darwin', 'mac');
const base = koffi.load(
  path.join(
    packageRoot,
    `node_modules/@node-llama-cpp/${platform}/bins/${platform}`,
    `libggml-base.${process.platform === 'darwin' ? 'dylib' : 'so'}`,
  ),
);
const blockSize = base.func('int64_t ggml_blck_size(int type)');
const typeSize = base.func('size_t ggml_type_size(int type)');
const typeName = base.func('const char *ggml_type_name(int type)');
const rowSize = base.func('size_t ggml_row_size(int type, int64_t ne)');

t.test('every type has llama.cpp’s name, block and bytes', (t) => {
  for (const [name, traits] of Object.entries({ ...GGML_TYPES, ...FOREIGN_GGML_TYPES })) {
    t.equal(typeName(traits.id).toUpperCase(), name);
    t.equal(Number(blockSize(traits.id)), traits.blockWeights, `${name} block`);
    t.equal(Number(typeSize(traits.id)), traits.blockBytes, `${name} bytes`);
  }
  t.end();
});

t.test('rows and ids', (t) => {
  t.equal(rowSizeBytes('Q4_K', 4096), Number(rowSize(GGML_TYPES.Q4_K.id, 4096)));
  t.equal(rowSizeBytes('Q8_0', 96), Number(rowSize(GGML_TYPES.Q8_0.id, 96)));
  t.equal(ggmlTypeById(12), 'Q4_K');
  t.equal(ggmlTypeById(4), undefined, 'a type llama.cpp removed');
  t.end();
});
