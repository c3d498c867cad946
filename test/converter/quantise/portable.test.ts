// llama.cpp's quantisation in WebAssembly against its native library, byte for byte, every type with and without
// importance: on x64, where both round alike. So other processors, which take the module, write the same files.
import t from 'tap';
import { loadPortableKernels } from '../../../converter/quantise/portable/portable-kernels.js';
import { checkedWeights } from '../../../converter/quantise/simd/self-check.js';
import { hasBlockReader, loadNativeKernels } from '../../../llama/ggml-kernels.js';
import {
  type AnyGgmlType,
  FOREIGN_GGML_TYPES,
  GGML_TYPES,
  type GgmlType,
  rowSizeBytes,
} from '../../../llama/ggml-types.js';

/** More than one chunk of several rows, and rows that do not fill the last one. */
const [N_PER_ROW, N_ROWS] = [1536, 100];
const N = N_PER_ROW * N_ROWS;
const LARGEST_F16 = 65504;

const native = loadNativeKernels();
const portable = loadPortableKernels(native);
/** None that convert would refuse. */
const weights = checkedWeights(N).map((weight) =>
  Math.max(-LARGEST_F16, Math.min(LARGEST_F16, weight)),
);
const importance = Float32Array.from({ length: N_PER_ROW }, (_, i) => ((i * 7919) % 101) / 50);

/** Their tables take half a minute; npm run test:arm64 has them. */
const LONG: readonly GgmlType[] = ['IQ2_S', 'IQ2_XS'];

const needsImportance = (type: GgmlType) => /^IQ2_|^IQ3_XXS/.test(type);
const skip = process.arch !== 'x64' && 'elsewhere llama.cpp rounds otherwise';

const made = (Object.keys(GGML_TYPES) as GgmlType[]).filter((type) => !LONG.includes(type));
for (const type of made)
  t.test(`${type} has llama.cpp's blocks`, { skip }, async (t) => {
    for (const columns of needsImportance(type) ? [importance] : [null, importance]) {
      const [ours, theirs] = [portable, native].map(({ toType }) => {
        const target = Buffer.alloc(N_ROWS * rowSizeBytes(type, N_PER_ROW));
        toType(type, weights, target, N_ROWS, N_PER_ROW, columns);
        return target;
      }) as [Buffer, Buffer];
      t.ok(ours.equals(theirs), columns ? 'with importance' : 'without importance');
    }
  });

const readable = (Object.keys({ ...GGML_TYPES, ...FOREIGN_GGML_TYPES }) as AnyGgmlType[]).filter(
  hasBlockReader,
);
for (const type of readable)
  t.test(`blocks of ${type} are read as llama.cpp reads them`, { skip }, async (t) => {
    // Any bytes are blocks, with scales of every size.
    const source = Uint8Array.from({ length: rowSizeBytes(type, N) }, (_, i) => (i * i) >> 3);
    const [ours, theirs] = [portable, native].map(({ fromBlocks }) => {
      const target = new Float32Array(N);
      fromBlocks(type, source, target, N);
      return Buffer.from(target.buffer);
    }) as [Buffer, Buffer];
    t.ok(ours.equals(theirs));
  });
