// The unpruned model as a file that llama.cpp runs: what calibration looks into, and what trials change.
// It has a bias of zeros wherever a repair may put one, so that a trial only sets values.
import path from 'node:path';
import { convert } from '../converter/convert.js';
import type { StreamProgress } from '../converter/stream/stream-tensors.js';
import type { TensorSource } from '../model/checkpoint/tensor-source.js';
import type { FileType } from '../model/types/mixtures.js';
import type { DenseModel, Part } from './dense-model.js';
import { openScratch } from './scratch.js';

export type DenseGgufOptions = {
  /** The checkpoint's path, and its LoRA's. */
  checkpoint: string;
  lora: string | undefined;
  tokenizer: string | undefined;
  folder: string;
  type: FileType;
  signal: AbortSignal;
  onProgress: (progress: StreamProgress) => void;
};

/** Writes it into `folder`; returns its path. Throws as convert does. */
export async function writeDenseGguf(
  { model }: DenseModel,
  parts: readonly Part[],
  { folder, ...options }: DenseGgufOptions,
): Promise<string> {
  const output = path.join(folder, `dense-${options.type}.gguf`);
  const scratch = openScratch(path.join(folder, `zeros-${options.type}`));
  try {
    const zeros = scratch.store('zeros', new Float32Array(model.nEmbd));
    const layers = model.layers.map(({ nHeadKv, nFf }) => ({
      kvHeads: upTo(nHeadKv),
      channels: upTo(nFf),
    }));
    const pruning = { layers, replaced: biasesOf(parts, model.biases, zeros), metadata: {} };
    await convert({ ...options, pruning, output });
    return output;
  } finally {
    scratch.close();
  }
}

/** Where there is none yet. */
function biasesOf(
  parts: readonly Part[],
  existing: ReadonlySet<string>,
  zeros: TensorSource,
): Map<string, TensorSource> {
  const names = parts.map(({ module }) => `${module}.bias`).filter((name) => !existing.has(name));
  return new Map(names.map((name) => [name, { ...zeros, name }]));
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
