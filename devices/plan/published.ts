// What LLM-Pruner's authors measured of their pruned models, and llama.cpp's of its types, for a plan to
// show beside its sizes. Perplexity of pruned models is in half precision over sequences of 128 tokens,
// pruned block-wise with first-order Taylor importance over the layers of the README's example.
// Nothing here is interpolated.
import type { FileType } from '../../model/types/mixtures.js';
import type { LayerRange } from './block-pruning.js';
import type { ShapeName } from './named-shapes.js';

/** Of WikiText-2 and of Penn Treebank. */
type Perplexity = { wikitext2: number; ptb: number };

export type PublishedPerplexity = Perplexity & {
  /** The model that was measured; another one of the same widths differs. */
  model: string;
  /** The same after post_training.py on 50,000 answers of Alpaca; null where nobody published it. */
  tuned: Perplexity | null;
  source: string;
};

type Published = Pick<PublishedPerplexity, 'model' | 'source'> & {
  dense: Perplexity;
  /** By a quarter, over {@link README_LAYERS}. */
  pruned: Perplexity;
  tuned: Perplexity | null;
};

const PAPER = 'https://arxiv.org/abs/2305.11627';
const PRUNED_RATIO = 0.25;
/** From 0, both included. */
const README_LAYERS = { first: 4, last: 29 };

const PUBLISHED: Readonly<Partial<Record<ShapeName, Published>>> = {
  // The paper pruned the first LLaMA, which has the widths of Llama 2.
  'llama-2-7b': {
    model: 'LLaMA-7B',
    source: PAPER,
    dense: { wikitext2: 12.62, ptb: 22.14 },
    pruned: { wikitext2: 19.09, ptb: 34.21 },
    tuned: { wikitext2: 17.58, ptb: 30.11 },
  },
  'llama-3-8b': {
    model: 'Llama-3-8B',
    source: 'https://github.com/horseee/LLM-Pruner/blob/main/more_results/README.md#llama-3',
    dense: { wikitext2: 14.13, ptb: 27.96 },
    pruned: { wikitext2: 25.6, ptb: 47.18 },
    tuned: null,
  },
  'vicuna-7b': {
    model: 'Vicuna-7B',
    source: PAPER,
    dense: { wikitext2: 16.11, ptb: 61.37 },
    pruned: { wikitext2: 25.74, ptb: 92.88 },
    tuned: { wikitext2: 19.69, ptb: 78.25 },
  },
};

/** What was published of this model at this ratio over these layers; null where nothing was. */
export function publishedPerplexity(
  shape: ShapeName | null,
  ratio: number,
  { first, last }: LayerRange,
): PublishedPerplexity | null {
  const published = shape && PUBLISHED[shape];
  if (!published) return null;
  const { model, source, dense, pruned, tuned } = published;
  if (ratio === 0) return { model, ...dense, tuned: null, source };
  const isSame =
    ratio === PRUNED_RATIO && first === README_LAYERS.first && last === README_LAYERS.last;
  return isSame ? { model, ...pruned, tuned, source } : null;
}

/** Whose types {@link typePerplexityFactor} tells of. */
export const TYPES_SOURCE = 'llama.cpp, tools/quantize, of Llama-3-8B';
const TYPES_BASE = 6.2331;
/** What each type adds to that, without an importance matrix; types that none was published of are left out. */
const TYPES_ADD: Readonly<Partial<Record<FileType, number>>> = {
  ...{ Q8_0: 0.0026, Q6_K: 0.0217, Q5_K_M: 0.0569, Q5_K_S: 0.1049, Q5_0: 0.1316 },
  ...{ Q4_K_M: 0.1754, Q4_K_S: 0.2689, Q4_0: 0.4685, Q3_K_M: 0.6569, Q3_K_S: 1.6321, Q2_K: 3.5199 },
};

/** WikiText-2 perplexity in this type over that in half precision; null where nobody published it. */
export function typePerplexityFactor(fileType: FileType): number | null {
  const added = TYPES_ADD[fileType];
  return added === undefined ? null : 1 + added / TYPES_BASE;
}
