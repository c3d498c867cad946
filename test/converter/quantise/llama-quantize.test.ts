// Files that are made with a matrix of hearth's own are what llama-quantize makes with that matrix: built from
// the sources that node-llama-cpp ships (llama/gitRelease.bundle, v0.5.0) and linked with its libraries, it ran
// on the random model below as F32. fixtures/imatrix holds the matrix, and digests of what was made with it:
//   hearth calibrate random.gguf --tokens 8192 --gpu off -o random.calibration
//   llama-quantize --imatrix random.calibration random.gguf TYPE.gguf TYPE
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { convert } from '../../../converter/convert.js';
import { readImportanceMatrix } from '../../../model/imatrix/read-importance-matrix.js';
import type { FileType } from '../../../model/types/mixtures.js';
import { readGgufTensors, tensorDigests } from '../../support/gguf-tensors.js';
import { randomLlama, writeLlama } from '../../support/random-llama.js';
import { readAsStock } from '../../support/same-blocks.js';
import { fixtures } from '../../support/samples.js';

const folder = t.testdir();
const stored = path.join(fixtures, 'imatrix');
const made = JSON.parse(readFileSync(path.join(stored, 'llama-quantize.json'), 'utf8')) as {
  [type in FileType]?: string;
};
const SIZES = { nLayer: 4, nEmbd: 256, nHead: 4, nHeadKv: 2, headSize: 64, nFf: 256 };

/** Compilers for other processors may round otherwise what the kernels compute. */
const skip = process.arch !== 'x64' && 'llama-quantize ran on x64';

t.test(
  'with a matrix of hearth calibrate, files are those of llama-quantize',
  { skip },
  async (t) => {
    const checkpoint = writeLlama(path.join(folder, 'random'), SIZES, randomLlama(SIZES));
    const importance = await readImportanceMatrix(path.join(stored, 'random.calibration'));
    for (const [type, digest] of Object.entries(made) as [FileType, string][]) {
      const output = path.join(folder, `${type}.gguf`);
      await convert({ checkpoint, output, type, importance, threads: 1 });
      t.equal(digestOf(tensorDigests(await readGgufTensors(output))), digest, type);
    }
  },
);

t.test('those that need a matrix are read as llama.cpp reads them', { skip }, async (t) => {
  // Here, where they are made already: llama.cpp's tables for them take 20 s of CPU in each process.
  for (const type of ['IQ3_XXS', 'IQ2_S', 'IQ2_XS', 'IQ2_XXS'] satisfies FileType[])
    await readAsStock(t, path.join(folder, `${type}.gguf`));
});

/** Of types, shapes and bytes of all tensors, by name. */
function digestOf(tensors: Record<string, string>): string {
  return createHash('sha256').update(JSON.stringify(tensors)).digest('hex');
}
