// npm run bench:kernels: weights per second of one core, the vector kernels and llama.cpp's source in WebAssembly
// against its library, turn by turn in one run, so that what else the machine does meets all. The fastest turn counts.
// Does not compare bytes: the tests do.
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { loadPortableKernels } from '../../converter/quantise/portable/portable-kernels.js';
import {
  loadSimdKernels,
  SIMD_TYPES,
  type SimdType,
} from '../../converter/quantise/simd/simd-kernels.js';
import { loadNativeKernels, type Quantise } from '../../llama/ggml-kernels.js';

const N_COLS = 4096;
const N_ROWS = 16;
/** Spread like trained weights, evenly enough. */
const weights = Float32Array.from(
  { length: N_ROWS * N_COLS },
  (_, i) => 0.02 * Math.tan(Math.sin(i * i)),
);

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0: weights per second and core of the vector kernels and of llama.cpp’s')
  .options({
    turns: { describe: 'Times that each kernel runs', type: 'number', default: 20 },
    json: { describe: 'Print JSON', type: 'boolean', default: false },
  })
  .strict()
  .parseAsync();

const kernels = loadNativeKernels();
const native = kernels.toType;
const portable = loadPortableKernels(kernels).toType;
const simd = loadSimdKernels(native);
if (!simd) throw new Error('This processor has no vectors that WebAssembly knows');
print(SIMD_TYPES.map((type) => measure(type, simd)));

type Measured = ReturnType<typeof measure>;
type Times = [number, number, number];

function measure(type: SimdType, simd: Quantise) {
  let [simdMs, nativeMs, portableMs] = Array<number>(3).fill(Number.POSITIVE_INFINITY) as Times;
  for (let turn = 0; turn < arguments_.turns; turn++) {
    simdMs = Math.min(simdMs, timeMs(simd, type, weights));
    nativeMs = Math.min(nativeMs, timeMs(native, type, weights));
    portableMs = Math.min(portableMs, timeMs(portable, type, weights));
  }
  return {
    type,
    simd_weights_per_second: weights.length / (simdMs / 1000),
    native_weights_per_second: weights.length / (nativeMs / 1000),
    portable_weights_per_second: weights.length / (portableMs / 1000),
    ratio: nativeMs / simdMs,
  };
}

function timeMs(quantise: Quantise, type: SimdType, weights: Float32Array): number {
  const target = new Uint8Array(weights.length);
  const start = performance.now();
  quantise(type, weights, target, N_ROWS, N_COLS);
  return performance.now() - start;
}

function print(measured: Measured[]): void {
  const million = (n: number) => `${(n / 1e6).toFixed(1).padStart(6)} M/s`;
  const lines = measured.map(
    (row) =>
      `${row.type.padEnd(7)}${million(row.simd_weights_per_second)}, llama.cpp ${million(row.native_weights_per_second)}, in WebAssembly ${million(row.portable_weights_per_second)}, ${row.ratio.toFixed(1)} times as fast`,
  );
  process.stdout.write(
    arguments_.json ? `${JSON.stringify(measured, null, 2)}\n` : `${lines.join('\n')}\n`,
  );
}
