// Repaired weights between the solving and the writing: one file of float32 in a temporary folder, of
// which convert reads sections as it reads any checkpoint. They would not all fit in memory.
import { closeSync, openSync, writeSync } from 'node:fs';
import type { TensorSource } from '../model/checkpoint/tensor-source.js';
import type { Matrix } from './linear/matrix.js';

export type Scratch = {
  /** Stores a matrix, or a vector, under its Hugging Face name. */
  store(name: string, values: Matrix | Float32Array): TensorSource;
  close(): void;
};

/** Writes to a new file at `filePath`. */
export function openScratch(filePath: string): Scratch {
  const file = openSync(filePath, 'wx', 0o600);
  let end = 0;
  return {
    store(name, values) {
      const data = values instanceof Float32Array ? values : values.data;
      const shape = values instanceof Float32Array ? [data.length] : [values.nRows, values.nCols];
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      const offsetBytes = end;
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      end += bytes.length;
      return { name, dtype: 'F32', shape, filePath, offsetBytes, sizeBytes: bytes.length };
    },
    close: () => closeSync(file),
  };
}
