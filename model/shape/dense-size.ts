// How many weights a model had before it was pruned: LLM-Pruner, FLAP and Puzzletron leave the config
// as it was, but for the hidden size of channel-wise pruning, which heads and head size still tell.
// Only for the summary; nothing that is computed depends on it.
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { findHeadSize } from '../checkpoint/structure.js';
import { isCount } from '../checkpoint/tensor-source.js';

/** Weights of the unpruned Llama; null where the config lacks a field, or never was of another model. */
export function denseParameterCount(
  checkpoint: Pick<Checkpoint, 'kind' | 'path' | 'config' | 'headSize' | 'tiedEmbeddings'>,
): number | null {
  const { kind, config, tiedEmbeddings } = checkpoint;
  if (kind === 'deci-lm') return null;
  const field = (name: string, fallback?: unknown) => {
    const value = config[name] ?? fallback;
    return isCount(value) ? value : Number.NaN;
  };
  const nHead = field('num_attention_heads');
  const headSize = findHeadSize(checkpoint);
  const nEmbd = kind === 'llm-pruner' ? nHead * headSize : field('hidden_size');
  const kvRows = field('num_key_value_heads', nHead) * headSize;
  const attention = 2 * nEmbd * nHead * headSize + 2 * nEmbd * kvRows;
  const layer = attention + 3 * nEmbd * field('intermediate_size') + 2 * nEmbd;
  const embeddings = field('vocab_size') * nEmbd * (tiedEmbeddings ? 1 : 2);
  const total = field('num_hidden_layers') * layer + embeddings + nEmbd;
  return Number.isSafeInteger(total) ? total : null;
}
