// Writes an importance matrix as llama-imatrix does, for llama-quantize and for hearth convert: a GGUF
// with the sums of squares and how many tokens they are of.
// A calibration, which holds more, is written by pruner/.
import { asOutputError, openOutput } from '../../terminal/output-file.js';
import { layOutGguf } from '../gguf/gguf-header.js';
import {
  countTensorName,
  importancePairs,
  importanceTensors,
  sumTensorName,
} from './imatrix-tensors.js';
import type { ImportanceMatrix } from './importance-matrix.js';

/** Reading it back gives `columns` to within the rounding of a float32, as the file has sums. */
export async function writeImportanceMatrix(
  filePath: string,
  matrix: ImportanceMatrix,
  { force = false }: { force?: boolean } = {},
): Promise<void> {
  const weights = [...matrix.columns].map(([name, { length }]) => ({ name, nCols: length }));
  const tensors = importanceTensors(weights);
  const values = tensorValues(matrix);
  const { header, offsetsBytes, fileBytes } = layOutGguf(importancePairs(matrix), tensors);
  const inputs = matrix.file === undefined ? [] : [matrix.file];
  const output = await openOutput(filePath, { sizeBytes: fileBytes, inputs, force });
  try {
    // A few megabytes, even for a large model.
    const bytes = Buffer.alloc(fileBytes);
    bytes.set(header);
    for (const [i, { name }] of tensors.entries())
      bytes.set(new Uint8Array((values.get(name) as Float32Array).buffer), offsetsBytes[i]);
    await output.handle.writeFile(bytes);
    await output.commit();
  } catch (error) {
    await output.discard();
    throw asOutputError(error, filePath);
  }
}

/** By the names of their tensors. */
function tensorValues({
  columns,
  chunkCount,
  chunkSize,
}: ImportanceMatrix): Map<string, Float32Array> {
  const nTokens = Math.max(1, chunkCount * chunkSize);
  return new Map(
    [...columns].flatMap(([name, means]) => [
      [sumTensorName(name), means.map((mean) => mean * nTokens)],
      [countTensorName(name), Float32Array.of(nTokens)],
    ]),
  );
}
