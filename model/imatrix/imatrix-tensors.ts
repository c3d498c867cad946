// The pairs and tensors by which llama.cpp knows an importance matrix, as llama-imatrix writes them:
// of each weight the sum of squares of each input column, and of how many tokens.
// Lays out alone; who has the sums writes them.
import type { HeaderTensor } from '../gguf/gguf-header.js';
import { type GgufMetadata, stringEntry, uint32Entry } from '../gguf/gguf-metadata.js';
import type { ImportanceMatrix } from './importance-matrix.js';

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

export function sumTensorName(weight: string): string {
  return `${weight}.in_sum2`;
}

export function countTensorName(weight: string): string {
  return `${weight}.counts`;
}

/** Two of each weight, in the order of the names. */
export function importanceTensors(weights: { name: string; nCols: number }[]): HeaderTensor[] {
  return [...weights]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name, nCols }) => [
      f32Vector(sumTensorName(name), nCols),
      f32Vector(countTensorName(name), 1),
    ]);
}

export function f32Vector(name: string, nCols: number): HeaderTensor {
  return { name, type: 'F32', nRows: 1, nCols, nDims: 1, sizeBytes: 4 * nCols };
}
