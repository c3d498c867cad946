// Importance matrices that are made up, for the weights of a model: inputs differ by orders of magnitude
// from column to column, as those of trained models do, and some are never used.
// The same numbers on every machine.
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import type { ImportanceMatrix } from '../../model/imatrix/importance-matrix.js';
import { writeImportanceMatrix } from '../../model/imatrix/write-importance-matrix.js';

/** For every weight of the layers of `gguf`, written to `filePath`. */
export async function madeUpImportance(gguf: string, filePath: string): Promise<ImportanceMatrix> {
  const { tensors } = await readGgufFile(gguf);
  const random = linearCongruential();
  const weights = tensors.filter(({ name }) => /^blk\.\d+\.(attn|ffn)_\w+\.weight$/.test(name));
  const columns = weights
    .filter(({ shape }) => shape.length === 2)
    .map(({ name, shape: [nCols = 0] }) => [name, Float32Array.from({ length: nCols }, random)]);
  const matrix = {
    columns: new Map(columns as [string, Float32Array][]),
    datasets: ['made up'],
    chunkCount: 2,
    chunkSize: 512,
  };
  await writeImportanceMatrix(filePath, matrix, { force: true });
  return matrix;
}

/** 0 once in thirty times, else 1e-6 to 1e2. */
function linearCongruential(): () => number {
  let state = 7;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return () => (uniform() < 1 / 30 ? 0 : 10 ** (8 * uniform() - 6));
}
