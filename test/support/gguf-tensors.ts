// The tensors of a GGUF with a digest of their bytes, to compare two files tensor by tensor.
// Rows can be compared up to a length, as padding adds rows and columns behind the model's own.
// Reads whole tensors; for small files only.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { GgmlType } from '../../llama/ggml-types.js';
import { type GgufTensor, readGgufFile } from '../../model/gguf/gguf-file.js';

export type StoredTensor = Omit<GgufTensor, 'type'> & { type: GgmlType | string; bytes: Buffer };

/** Tensors by name. */
export async function readGgufTensors(filePath: string): Promise<Map<string, StoredTensor>> {
  const { tensors } = await readGgufFile(filePath);
  const file = readFileSync(filePath);
  return new Map(
    tensors.map((tensor) => {
      const { offsetBytes, sizeBytes } = tensor;
      return [
        tensor.name,
        { ...tensor, bytes: file.subarray(offsetBytes, offsetBytes + sizeBytes) },
      ];
    }),
  );
}

/** Type, shape and digest of every tensor by name. */
export function tensorDigests(tensors: ReadonlyMap<string, StoredTensor>): Record<string, string> {
  const digest = ({ type, shape, bytes }: StoredTensor) =>
    `${type} ${shape.join('×')} ${createHash('sha256').update(bytes).digest('hex')}`;
  const sorted = [...tensors.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return Object.fromEntries(sorted.map((tensor) => [tensor.name, digest(tensor)]));
}
