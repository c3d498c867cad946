// The weights of pruned parts in a loaded model, set to what they would be and back to what the model's file has.
// Some rows at a time, and what was there is not kept: a trial of a whole model takes hardly more memory than the
// model does. Scores nothing.
import { closeSync, openSync, readSync } from 'node:fs';
import { loadKernels } from '../../converter/quantise/kernels.js';
import { type GgmlType, ggmlTypeById, rowSizeBytes } from '../../llama/ggml-types.js';
import type { SettableTensor } from '../../llama/weight-tensors.js';
import type { GgufFile } from '../../model/gguf/gguf-file.js';
import type { PartChange } from './trial-protocol.js';

/** Of a weight, so many bytes at a time, or one row. */
const PANEL_BYTES = 4 << 20;

export class TrialWeights implements Disposable {
  readonly #tensors: ReadonlyMap<string, SettableTensor>;
  readonly #places: ReadonlyMap<string, number>;
  readonly #file: number;
  readonly #changed = new Set<string>();

  /** `file` is what the model was loaded from. */
  constructor(tensors: ReadonlyMap<string, SettableTensor>, file: GgufFile) {
    this.#tensors = tensors;
    this.#places = new Map(file.tensors.map(({ name, offsetBytes }) => [name, offsetBytes]));
    this.#file = openSync(file.path, 'r');
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  set(change: PartChange): void {
    const { ggufName, nRows, nCols, bias } = change;
    const columns = openSync(change.columns.filePath, 'r');
    try {
      const weight = this.#find(`${ggufName}.weight`);
      const step = Math.max(1, Math.floor(PANEL_BYTES / (4 * nCols)));
      for (let top = 0; top < nRows; top += step) {
        const rows = { top, nRows: Math.min(step, nRows - top) };
        setRows(weight, spread(change, columns, rows), { ...rows, nCols });
      }
    } finally {
      closeSync(columns);
    }
    const values = bias ?? new Float32Array(nRows);
    setRows(this.#find(`${ggufName}.bias`), values, { top: 0, nRows: 1, nCols: nRows });
    this.#changed.add(ggufName);
  }

  restore(ggufName: string): void {
    if (!this.#changed.delete(ggufName)) return;
    for (const name of [`${ggufName}.weight`, `${ggufName}.bias`]) {
      const tensor = this.#find(name);
      for (let done = 0; done < tensor.sizeBytes; done += PANEL_BYTES) {
        const bytes = new Uint8Array(Math.min(PANEL_BYTES, tensor.sizeBytes - done));
        readAll(this.#file, bytes, (this.#places.get(name) as number) + done);
        tensor.write(bytes, done);
      }
    }
  }

  #find(name: string): SettableTensor {
    const tensor = this.#tensors.get(name);
    if (tensor && this.#places.has(name)) return tensor;
    throw new Error(`llama.cpp computes nothing with ${name}; a trial needs it`);
  }
}

type Rows = { top: number; nRows: number };

function setRows(
  tensor: SettableTensor,
  values: Float32Array,
  { top, nRows, nCols }: Rows & { nCols: number },
): void {
  const type = ggmlTypeById(tensor.typeId) as GgmlType;
  const rowBytes = rowSizeBytes(type, nCols);
  const bytes = new Uint8Array(nRows * rowBytes);
  loadKernels().toType(type, values, bytes, nRows, nCols);
  tensor.write(bytes, top * rowBytes);
}

/** The kept columns of some rows in their places, zeros between. `file` has them packed. */
function spread(
  { kept, nCols, columns: { offsetBytes } }: PartChange,
  file: number,
  { top, nRows }: Rows,
): Float32Array {
  const packed = new Float32Array(nRows * kept.length);
  readAll(file, new Uint8Array(packed.buffer), offsetBytes + 4 * top * kept.length);
  const values = new Float32Array(nRows * nCols);
  for (let row = 0; row < nRows; row++)
    for (let i = 0; i < kept.length; i++)
      values[row * nCols + (kept[i] as number)] = packed[row * kept.length + i] as number;
  return values;
}

function readAll(file: number, target: Uint8Array, offsetBytes: number): void {
  for (let done = 0; done < target.length; ) {
    const read = readSync(file, target, done, target.length - done, offsetBytes + done);
    if (read === 0) throw new Error('a file of weights ends too early; somebody else wrote to it');
    done += read;
  }
}
