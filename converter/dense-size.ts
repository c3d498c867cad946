// How many weights a model had before it was pruned: LLM-Pruner leaves the config as it was.
// Only for the summary; nothing that is written depends on it.
import { isCount } from './checkpoint/index.js';

/** Weights of the Llama that `config` describes; null where a field is missing. */
export function denseParameterCount(
  config: Record<string, unknown>,
  { tiedEmbeddings }: { tiedEmbeddings: boolean },
): number | null {
  const field = (name: string, fallback?: unknown) => {
    const value = config[name] ?? fallback;
    return isCount(value) ? value : Number.NaN;
  };
  const nEmbd = field('hidden_size');
  const nHead = field('num_attention_heads');
  const headSize = field('head_dim', nEmbd / nHead);
  const kvRows = field('num_key_value_heads', nHead) * headSize;
  const attention = 2 * nEmbd * nHead * headSize + 2 * nEmbd * kvRows;
  const layer = attention + 3 * nEmbd * field('intermediate_size') + 2 * nEmbd;
  const embeddings = field('vocab_size') * nEmbd * (tiedEmbeddings ? 1 : 2);
  const total = field('num_hidden_layers') * layer + embeddings + nEmbd;
  return Number.isSafeInteger(total) ? total : null;
}
