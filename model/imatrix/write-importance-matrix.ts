// Writes an importance matrix as llama-imatrix does, for llama-quantize and for hearth convert: a GGUF
// with the sums of squares and how many tokens they are of.
// The parts are exported, too: a calibration holds them beside what is its own.
import { asOutputError, openOutput } from '../../terminal/output-file.js';
import { type HeaderTensor, layOutGguf } from '../gguf/gguf-header.js';
import { type GgufMetadata, stringEntry, uint32Entry } from '../gguf/gguf-metadata.js';
import type { ImportanceMatrix } from './importance-matrix.js';

/** Reading it back gives `columns` to within the rounding of a float32, as the file has sums. */
export async function writeImportanceMatrix(
  filePath: string,
  matrix: ImportanceMatrix,
  { force = false }: { force?: boolean } = {},
): Promise<void> {
  const tensors = importanceTensors(matrix);
  const { header, offsetsBytes, fileBytes } = layOutGguf(importancePairs(matrix), tensors);
  const inputs = matrix.file === undefined ? [] : [matrix.file];
  const output = await openOutput(filePath, { sizeBytes: fileBytes, inputs, force });
  try {
    // A few megabytes, even for a large model.
    const bytes = Buffer.alloc(fileBytes);
    bytes.set(header);
    for (const [i, { values }] of tensors.entries())
      bytes.set(new Uint8Array(values.buffer), offsetsBytes[i]);
    await output.handle.writeFile(bytes);
    await output.commit();
  } catch (error) {
    await output.discard();
    throw asOutputError(error, filePath);
  }
}

export function importancePairs({
  datasets,
  chunkCount,
  chunkSize,
}: Omit<ImportanceMatrix, 'columns'>): GgufMetadata {
  return {
    'general.type': stringEntry('imatrix'),
    'imatrix.datasets': { type: 'ARRAY', of: 'STRING', value: datasets },
    'imatrix.chunk_count': uint32Entry(chunkCount),
    'imatrix.chunk_size': uint32Entry(chunkSize),
  };
}

export type ValuedTensor = HeaderTensor & { values: Float32Array };

/** Two a weight, in the order of their names. */
export function importanceTensors({
  columns,
  chunkCount,
  chunkSize,
}: ImportanceMatrix): ValuedTensor[] {
  const nTokens = Math.max(1, chunkCount * chunkSize);
  const sorted = [...columns].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.flatMap(([name, means]) => [
    vector(
      `${name}.in_sum2`,
      means.map((mean) => mean * nTokens),
    ),
    vector(`${name}.counts`, Float32Array.of(nTokens)),
  ]);
}

function vector(name: string, values: Float32Array): ValuedTensor {
  const { length: nCols, byteLength: sizeBytes } = values;
  return { name, type: 'F32', nRows: 1, nCols, nDims: 1, sizeBytes, values };
}
