// What LLM-Pruner's authors measured of their pruned models, for a plan to show beside its sizes.
// Perplexity in half precision over sequences of 128 tokens, pruned block-wise with first-order
// Taylor importance over the layers of the README's example. Nothing here is interpolated.
import type { LayerRange } from './block-pruning.js';
import type { ShapeName } from './named-shapes.js';

export type PublishedPerplexity = {
  /** The model that was measured; another one of the same widths differs. */
  model: string;
  ratio: number;
  /** Layers that were pruned, from 0, both included; null for the unpruned model. */
  layers: LayerRange | null;
  /** WikiText-2 and Penn Treebank. */
  wikiText2: number;
  ptb: number;
  /** The same after post_training.py on 50,000 answers of Alpaca; null where nobody published it. */
  tuned: { wikiText2: number; ptb: number } | null;
  source: string;
};

const PAPER = 'https://arxiv.org/abs/2305.11627';
const MORE_RESULTS =
  'https://github.com/horseee/LLM-Pruner/blob/main/more_results/README.md#llama-3';
const README_LAYERS = { first: 4, last: 29 };

const LLAMA_7B: PublishedPerplexity[] = [
  {
    model: 'LLaMA-7B',
    ratio: 0,
    layers: null,
    wikiText2: 12.62,
    ptb: 22.14,
    tuned: null,
    source: PAPER,
  },
  {
    model: 'LLaMA-7B',
    ratio: 0.25,
    layers: README_LAYERS,
    wikiText2: 19.09,
    ptb: 34.21,
    tuned: { wikiText2: 17.58, ptb: 30.11 },
    source: PAPER,
  },
];

const VICUNA_7B: PublishedPerplexity[] = [
  {
    model: 'Vicuna-7B',
    ratio: 0,
    layers: null,
    wikiText2: 16.11,
    ptb: 61.37,
    tuned: null,
    source: PAPER,
  },
  {
    model: 'Vicuna-7B',
    ratio: 0.25,
    layers: README_LAYERS,
    wikiText2: 25.74,
    ptb: 92.88,
    tuned: { wikiText2: 19.69, ptb: 78.25 },
    source: PAPER,
  },
];

const LLAMA_3_8B: PublishedPerplexity[] = [
  {
    model: 'Llama-3-8B',
    ratio: 0,
    layers: null,
    wikiText2: 14.13,
    ptb: 27.96,
    tuned: null,
    source: MORE_RESULTS,
  },
  {
    model: 'Llama-3-8B',
    ratio: 0.25,
    layers: README_LAYERS,
    wikiText2: 25.6,
    ptb: 47.18,
    tuned: null,
    source: MORE_RESULTS,
  },
];

const PUBLISHED: Readonly<Record<ShapeName, PublishedPerplexity[]>> = {
  // The paper pruned the first LLaMA, which has the widths of Llama 2.
  'llama-2-7b': LLAMA_7B,
  'llama-2-13b': [],
  'llama-3-8b': LLAMA_3_8B,
  'vicuna-7b': VICUNA_7B,
};

/** What was published of this model at this ratio over these layers; null where nothing was. */
export function publishedPerplexity(
  shape: ShapeName | null,
  ratio: number,
  layers: LayerRange,
): PublishedPerplexity | null {
  const isSame = (point: PublishedPerplexity) =>
    point.ratio === ratio &&
    (point.layers === null ||
      (point.layers.first === layers.first && point.layers.last === layers.last));
  return (shape && PUBLISHED[shape].find(isSame)) ?? null;
}
