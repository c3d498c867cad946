// Every importance that the reader lets through, beside every weight that convert lets through: llama.cpp
// ends the process where its sums become infinite, and this process must live.
import koffi from 'koffi';
import t from 'tap';
import { checkedWeights } from '../../../converter/quantise/simd/self-check.js';
import { loadNativeKernels } from '../../../llama/ggml-kernels.js';
import { GGML_TYPES, type GgmlType } from '../../../llama/ggml-types.js';
import { findLlamaLibrary } from '../../../llama/libraries.js';
import { checkMeanSquares } from '../../../model/imatrix/importance-matrix.js';

const BLOCK = 256;
const N_PER_ROW = 16 * BLOCK;
const LARGEST_F16 = 65504;

const LARGEST = 9.9e19;
t.doesNotThrow(() => checkMeanSquares(Float32Array.of(LARGEST), 'a', 'file'));
t.throws(() => checkMeanSquares(Float32Array.of(2 * LARGEST), 'a', 'file'));

/** By column. */
const KINDS: Readonly<Record<string, (i: number) => number>> = {
  none: () => 0,
  'one a block': (i) => (i % BLOCK === 77 ? 1 : 0),
  'half of a sub-block': (i) => (i % 32 < 16 ? 1e-3 : 0),
  denormal: () => 1e-45,
  tiny: () => 1e-30,
  largest: () => LARGEST,
  'largest beside tiny': (i) => (i % 3 === 0 ? LARGEST : 1e-40),
  'of all sizes': (i) => 10 ** ((i % 60) - 40),
};

const { toType } = loadNativeKernels();
const isValid = koffi
  .load(findLlamaLibrary('ggml-base'))
  .func('bool ggml_validate_row_data(int type, const uint8_t *data, size_t nbytes)');

const weights = checkedWeights(8 * N_PER_ROW).map((weight) =>
  Math.max(-LARGEST_F16, Math.min(LARGEST_F16, weight)),
);
// The largest that may be, of one sign and of both.
weights.fill(LARGEST_F16, 0, N_PER_ROW / 2);
for (let i = N_PER_ROW / 2; i < N_PER_ROW; i++) weights[i] = i % 2 ? LARGEST_F16 : -LARGEST_F16;

for (const type of Object.keys(GGML_TYPES) as GgmlType[]) {
  const { blockWeights, blockBytes, id } = GGML_TYPES[type];
  if (blockWeights === 1) continue;
  t.test(`${type} takes any importance`, async (t) => {
    const target = new Uint8Array((weights.length / blockWeights) * blockBytes);
    for (const [kind, importance] of Object.entries(KINDS)) {
      const columns = Float32Array.from({ length: N_PER_ROW }, (_, i) => importance(i));
      toType(type, weights, target, weights.length / N_PER_ROW, N_PER_ROW, columns);
      t.ok(isValid(id, target, target.length), kind);
    }
  });
}
