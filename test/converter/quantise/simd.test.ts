// The vector kernels against llama.cpp's own, byte for byte: on weights as models have them, on the
// corners of float32, and on whatever fast-check finds. Speed is bench:kernels', not this file's.
import fc from 'fast-check';
import t from 'tap';
import { loadKernels } from '../../../converter/quantise/kernels.js';
import { checkedWeights, preferSimd } from '../../../converter/quantise/simd/self-check.js';
import {
  loadSimdKernels,
  SIMD_TYPES,
  type SimdType,
} from '../../../converter/quantise/simd/simd-kernels.js';
import { loadNativeKernels, type Quantise } from '../../../llama/ggml-kernels.js';
import { GGML_TYPES } from '../../../llama/ggml-types.js';
import { skipFileOffX64 } from '../../support/needs.js';

skipFileOffX64();

const native = loadNativeKernels().toType;
let nNativeCalls = 0;
const countingNative: Quantise = (...rows) => {
  nNativeCalls++;
  native(...rows);
};
const simd = loadSimdKernels(countingNative) as Quantise;

function bytes(quantise: Quantise, type: SimdType, weights: Float32Array): Buffer {
  const { blockWeights, blockBytes } = GGML_TYPES[type];
  const target = Buffer.alloc((weights.length / blockWeights) * blockBytes);
  quantise(type, weights, target, 1, weights.length);
  return target;
}

function weightsOf(n: number, weight: (i: number) => number): Float32Array {
  return Float32Array.from({ length: n }, (_, i) => weight(i));
}

/** Numbers from 0 to 1 that look random and are the same everywhere. */
const noise = (i: number) => Math.abs((Math.sin(i * 12.9898) * 43758.5453) % 1);
const gaussian = (i: number) =>
  Math.sqrt(-2 * Math.log(noise(i) + 1e-9)) * Math.cos(2 * Math.PI * noise(i + 0.5));

const STRUCTURED: Readonly<Record<string, (i: number) => number>> = {
  'gaussian weights': (i) => 0.02 * gaussian(i),
  zeros: () => 0,
  'negative zeros': () => -0,
  'one value': () => -0.125,
  'one value per 16': (i) => gaussian(i >> 4),
  'one nonzero weight per block': (i) => (i % 257 === 0 ? gaussian(i) : 0),
  'negative weights only': (i) => -0.5 - 0.1 * noise(i),
  'positive weights only': (i) => 0.5 + 0.1 * noise(i),
  outliers: (i) => gaussian(i) * (noise(i + 0.25) < 0.02 ? 100 : 0.01),
  'sizes that differ by sub-block': (i) => gaussian(i) * 10 ** -(12 * noise(i >> 4)),
  'sizes that differ by block': (i) => gaussian(i) * 10 ** (5 - 45 * noise(i >> 8)),
  'a hair above a constant': (i) => gaussian(i >> 5) + 1e-6 * noise(i),
  'few values, many ties': (i) => Math.round(4 * gaussian(i)) / 8,
  'denormal weights': (i) => 1e-41 * gaussian(i),
  'the largest half-precision weights': (i) => 65504 * Math.sign(gaussian(i)),
  'weights beyond half precision': (i) => 1e30 * gaussian(i),
  'the largest float32': (i) => 3.4e38 * Math.sign(gaussian(i)),
};

const BLOCK = 256;
const blockOf = (weight: fc.Arbitrary<number>) =>
  fc.array(weight, { minLength: BLOCK, maxLength: BLOCK, size: 'max' });
/** Numbers of every size from 2 down, and ties, moved by a power of ten. */
const ordinaryBlock = fc
  .tuple(
    blockOf(
      fc.oneof(
        fc.constantFrom(0, -0, 1, -1, 0.5),
        fc.float({ min: -2, max: 2, noNaN: true }),
        fc.integer({ min: -1000, max: 1000 }).map((x) => x / 1000),
      ),
    ),
    fc.integer({ min: -40, max: 5 }),
  )
  .map(([numbers, exponent]) => Float32Array.from(numbers, (x) => x * 10 ** exponent));
const anyBlock = blockOf(fc.float({ noNaN: true, noDefaultInfinity: true })).map((numbers) =>
  Float32Array.from(numbers),
);

for (const type of SIMD_TYPES) {
  for (const [name, weight] of Object.entries(STRUCTURED))
    t.test(`${type} of ${name} is llama.cpp's`, async (t) => {
      const weights = weightsOf(128 * 256, weight);
      t.ok(bytes(simd, type, weights).equals(bytes(native, type, weights)));
    });

  t.test(`${type} of anything finite is llama.cpp's`, async (t) => {
    nNativeCalls = 0;
    fc.assert(
      fc.property(fc.oneof(ordinaryBlock, anyBlock), (weights) =>
        bytes(simd, type, weights).equals(bytes(native, type, weights)),
      ),
      { numRuns: 300 },
    );
    const nBlocks = (300 * BLOCK) / GGML_TYPES[type].blockWeights;
    t.ok(nNativeCalls < 0.75 * nBlocks, 'most blocks by the vector kernel');
  });

  t.test(`${type} does not depend on how many blocks come at once`, async (t) => {
    const { blockWeights } = GGML_TYPES[type];
    for (const nBlocks of [1, 2, 3, 5, 7, 32768 / blockWeights + 1]) {
      const weights = weightsOf(nBlocks * blockWeights, (i) => gaussian(i + nBlocks));
      t.ok(bytes(simd, type, weights).equals(bytes(native, type, weights)), `${nBlocks} blocks`);
    }
  });

  t.test(`${type} of ordinary weights needs no call into llama.cpp`, async (t) => {
    nNativeCalls = 0;
    bytes(
      simd,
      type,
      weightsOf(65536, (i) => 0.02 * gaussian(i)),
    );
    t.equal(nNativeCalls, 0);
    bytes(
      simd,
      type,
      weightsOf(256, () => 1e30),
    );
    t.not(nNativeCalls, 0, 'and huge ones do');
  });

  t.test(`${type} stays llama.cpp's where the bytes differ`, async (t) => {
    const other: Quantise = (quantisedType, source, target, ...shape) => {
      native(quantisedType, source, target, ...shape);
      target[target.length - 3] = (target.at(-3) ?? 0) ^ 1;
    };
    const weights = weightsOf(1024, gaussian);
    t.ok(bytes(preferSimd(other), type, weights).equals(bytes(other, type, weights)));
  });

  t.test(`${type} is ours once it was checked`, async (t) => {
    const quantise = preferSimd(countingNative);
    bytes(quantise, type, weightsOf(256, gaussian));
    nNativeCalls = 0;
    bytes(quantise, type, weightsOf(256, gaussian));
    t.equal(nNativeCalls, 0);
  });
}

t.test('a type without a vector kernel is llama.cpp’s', async (t) => {
  const weights = weightsOf(1024, gaussian);
  const [ours, theirs] = [Buffer.alloc(1088), Buffer.alloc(1088)];
  loadKernels().toType('Q8_0', weights, ours, 1, 1024);
  native('Q8_0', weights, theirs, 1, 1024);
  t.ok(ours.equals(theirs));
});

t.test('the weights of the check hold zeros, denormal, huge and ordinary blocks', async (t) => {
  const sizes = new Set<string>();
  const weights = checkedWeights(65536);
  for (let i = 0; i < weights.length; i += 256) {
    const largest = Math.max(...weights.subarray(i, i + 256).map(Math.abs));
    sizes.add(
      largest === 0
        ? 'zero'
        : largest < 1.18e-38
          ? 'denormal'
          : largest > 1e6
            ? 'huge'
            : 'ordinary',
    );
  }
  t.strictSame([...sizes].toSorted(), ['denormal', 'huge', 'ordinary', 'zero']);
});
