// The unpruned model that is pruned: its checkpoint, its parts that can become narrower, and its weights
// as float32 with a LoRA merged, one tensor at a time, by the same reader that convert streams with.
import { loadKernels } from '../converter/quantise/kernels.js';
import { LoraMerge } from '../converter/stream/lora-merge.js';
import { SourceReader } from '../converter/stream/source-reader.js';
import type { Checkpoint } from '../model/checkpoint/checkpoint.js';
import { CheckpointError } from '../model/checkpoint/checkpoint-error.js';
import type { Lora } from '../model/checkpoint/lora/lora.js';
import type { TensorSource } from '../model/checkpoint/tensor-source.js';
import { describeLlama, type LlamaModel } from '../model/shape/llama-model.js';
import { type Matrix, zeros } from './linear/matrix.js';

/** The linear layers whose inputs can be left out: what reads heads, and what reads channels. */
export type PartKind = 'attention' | 'ffn';

/** Channels that are judged and go together: blocks of the types that take any width that they divide. */
export const STEP_CHANNELS = 32;

/** One of a layer's two halves. */
export type Part = {
  layer: number;
  kind: PartKind;
  /** Of the weight that reads the part: `model.layers.3.mlp.down_proj`. */
  module: string;
  /** The same as llama.cpp spells it: `blk.3.ffn_down`. */
  ggufName: string;
  /** KV heads or channels. */
  nGroups: number;
  /** Input columns of the weight for each of them: those of a KV head's query heads, or one. */
  groupSize: number;
  /** Weights that a group has in all of the part's tensors. */
  paramsPerGroup: number;
};

export type DenseModel = {
  checkpoint: Checkpoint;
  lora: Lora | null;
  model: LlamaModel;
  /** `[rows, columns]` of a weight by its Hugging Face name. */
  readWeight(name: string): Matrix;
  /** Some of its rows, one behind the other. */
  readRows(name: string, rows: { firstRow: number; nRows: number }): Matrix;
  /** Null where there is none. */
  readBias(name: string): Float32Array | null;
  close(): void;
};

export function openDenseModel(checkpoint: Checkpoint, lora: Lora | null): DenseModel {
  const reader = new SourceReader(loadKernels());
  const merge = new LoraMerge(reader);
  const matrixOf = (name: string): [TensorSource, number, number] => {
    const source = checkpoint.tensors.get(name);
    const [nRows, nCols] = source?.shape ?? [];
    if (!source || nRows === undefined || nCols === undefined)
      throw new CheckpointError(checkpoint.path, `has no matrix ${name}`);
    return [source, nRows, nCols];
  };
  const readRows = (name: string, { firstRow, nRows }: { firstRow: number; nRows: number }) => {
    const [source, , nCols] = matrixOf(name);
    const matrix = zeros(nRows, nCols);
    const rows = { firstRow, nRows, nCols };
    reader.readRows(source, rows, matrix.data, nCols);
    const pair = lora?.pairs.get(name);
    if (pair) merge.add(pair, rows, matrix.data, nCols);
    return matrix;
  };
  return {
    checkpoint,
    lora,
    model: describeLlama(checkpoint),
    readRows,
    readWeight: (name) => readRows(name, { firstRow: 0, nRows: matrixOf(name)[1] }),
    readBias(name) {
      const source = checkpoint.tensors.get(name);
      if (!source) return null;
      const [nCols = 0] = source.shape;
      const bias = new Float32Array(nCols);
      reader.readRows(source, { firstRow: 0, nRows: 1, nCols }, bias, nCols);
      return bias;
    },
    close: () => reader.close(),
  };
}

/** The parts of the layers from `first` to `last`, attention before feed-forward. */
export function listParts(
  { layers, nEmbd, headSize }: LlamaModel,
  { first, last }: { first: number; last: number },
): Part[] {
  return layers.flatMap(({ nHead, nHeadKv, nFf }, layer): Part[] => {
    if (layer < first || layer > last) return [];
    const queries = nHead / nHeadKv;
    const [hf, gguf] = [`model.layers.${layer}`, `blk.${layer}`];
    return [
      {
        ...{ layer, kind: 'attention', module: `${hf}.self_attn.o_proj` },
        ...{ ggufName: `${gguf}.attn_output`, nGroups: nHeadKv, groupSize: queries * headSize },
        paramsPerGroup: nEmbd * headSize * (2 * queries + 2),
      },
      {
        ...{ layer, kind: 'ffn', module: `${hf}.mlp.down_proj` },
        ...{ ggufName: `${gguf}.ffn_down`, nGroups: nFf, groupSize: 1 },
        paramsPerGroup: 3 * nEmbd,
      },
    ];
  });
}
