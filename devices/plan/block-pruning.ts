// The widths that LLM-Pruner's block-wise pruning leaves, by its own rounding, before it is run.
// hf_prune.py and llama3.py hand the ratio to the same pruner; it counts rows, keeps whole heads and
// takes the same from every layer of a range. Source: MetaPruner.prune_local in its
// torch_pruning/pruner/algorithms/metapruner.py.
import type { LayerWidths, LlamaModel } from '../../model/shape/llama-model.js';

/** First and last pruned layer, from 0, both of them pruned. */
export type LayerRange = { first: number; last: number };

export type BlockPruning = {
  /** `--pruning_ratio`: the part of each layer's rows that goes, 0 to 1. */
  ratio: number;
  /** For both attention and feed-forward, unless `feedForwardLayers` differs. */
  layers: LayerRange;
  feedForwardLayers?: LayerRange;
};

/** `model`, which is not pruned yet, as it is afterwards. */
export function pruneBlocks(model: LlamaModel, pruning: BlockPruning): LlamaModel {
  const { ratio, layers: range, feedForwardLayers = range } = pruning;
  const layers = model.layers.map((layer, i) => ({
    ...(isWithin(range, i) ? pruneHeads(layer, model.headSize, ratio) : layer),
    nFf: isWithin(feedForwardLayers, i) ? keptRows(layer.nFf, ratio) : layer.nFf,
  }));
  return { ...model, layers, nParams: countParameters({ ...model, layers }) };
}

/**
 * The layers that LLM-Pruner prunes of a model with `nLayer`: for less than half, those of its
 * README's example (4 to 29 of 32); from half on, those of hf_prune.py's own defaults, which go with
 * its default ratio of a half (3 to 30 of 32). A small model keeps its first layer whole.
 */
export function defaultLayers(nLayer: number, ratio: number): LayerRange {
  if (nLayer < 10) return { first: 1, last: nLayer - 1 };
  return ratio < 0.5 ? { first: 4, last: nLayer - 3 } : { first: 3, last: nLayer - 2 };
}

/** Weights of a Llama with these widths and no biases; a tied output projection counts once. */
export function countParameters({
  nEmbd,
  nVocab,
  headSize,
  layers,
  tiedEmbeddings,
}: Omit<LlamaModel, 'nParams'>): number {
  const norms = 2 * nEmbd;
  const perLayer = layers.map(
    ({ nHead, nHeadKv, nFf }) => nEmbd * (2 * headSize * (nHead + nHeadKv) + 3 * nFf) + norms,
  );
  const embeddings = nVocab * nEmbd * (tiedEmbeddings ? 1 : 2);
  return perLayer.reduce((sum, count) => sum + count, embeddings + nEmbd);
}

function isWithin({ first, last }: LayerRange, i: number): boolean {
  return i >= first && i <= last;
}

/** Key-value heads go whole, and with each the query heads that read it. */
function pruneHeads(layer: LayerWidths, headSize: number, ratio: number): LayerWidths {
  const rows = layer.nHeadKv * headSize;
  const removed = Math.floor((rows - keptRows(rows, ratio)) / headSize);
  const queriesOfEach = layer.nHead / layer.nHeadKv;
  return {
    ...layer,
    nHead: layer.nHead - removed * queriesOfEach,
    nHeadKv: layer.nHeadKv - removed,
  };
}

/** Python's `int(rows * (1 - ratio))`, in the same doubles. */
function keptRows(rows: number, ratio: number): number {
  return Math.trunc(rows * (1 - ratio));
}
