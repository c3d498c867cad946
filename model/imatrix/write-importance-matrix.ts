// Writes an importance matrix as llama-imatrix does, for llama-quantize and for hearth convert: a GGUF
// with the sums of squares and how many tokens they are of.
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
  const weights = Array.from(matrix.columns, ([name, { length }]) => ({ name, nCols: length }));
  const tensors = importanceTensors(weights);
  const values = importanceValues(matrix);
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

/** By the name of the tensor. */
function importanceValues({
  columns,
  chunkCount,
  chunkSize,
}: ImportanceMatrix): Map<string, Float32Array> {
  const nTokens = Math.max(1, chunkCount * chunkSize);
  const values = new Map<string, Float32Array>();
  for (const [name, means] of columns) {
    values.set(
      sumTensorName(name),
      means.map((mean) => mean * nTokens),
    );
    values.set(countTensorName(name), Float32Array.of(nTokens));
  }
  return values;
}
