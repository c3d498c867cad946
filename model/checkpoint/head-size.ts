// Rows of one head in a Hugging Face folder whose config does not say head_dim, as older transformers
// save them. They follow from the number of heads, which pruners leave in one of two states: FLAP keeps
// the heads and the hidden size of before, Torch-Pruning's prune_llm.py writes those that are left.
import { CheckpointError } from './checkpoint-error.js';
import { isCount, type TensorSource } from './tensor-source.js';

type Tensors = ReadonlyMap<string, TensorSource>;

/** Null where neither way gives a size. Throws {@link CheckpointError} where both may be right. */
export function folderHeadSize(
  config: Record<string, unknown>,
  tensors: Tensors,
  configPath: string,
): number | null {
  const { head_dim: stored, num_attention_heads: nHead, hidden_size: nEmbd } = config;
  if (isCount(stored)) return stored;
  if (!isCount(nHead) || !isCount(nEmbd)) return null;
  const rows = [...rowsOf(tensors, 'q_proj'), ...rowsOf(tensors, 'k_proj')];
  const ifFits = (size: number) => (isHeadSize(size) && divides(size, rows) ? size : null);
  const unchanged = ifFits(nEmbd / nHead);
  const counted = ifFits(onlyOne(rowsOf(tensors, 'q_proj')) / nHead);
  if (unchanged === null || counted === null || unchanged === counted) return unchanged ?? counted;
  // Whoever leaves the old n_ff in the config has left the old heads there, too.
  if (onlyOne(rowsOf(tensors, 'gate_proj')) !== config['intermediate_size']) return unchanged;
  throw new CheckpointError(
    configPath,
    `has no head_dim, and ${nHead} heads have ${unchanged} rows each by its hidden_size, ${counted} by the weights; write the unpruned model's head_dim into it`,
  );
}

/** Rows of this projection in each layer that has it. */
function rowsOf(tensors: Tensors, projection: string): number[] {
  const isOne = (name: string) => name.endsWith(`.${projection}.weight`);
  return [...tensors].flatMap(([name, { shape }]) => (isOne(name) ? [shape[0] ?? 0] : []));
}

/** What all `counts` are; NaN where they differ. */
function onlyOne(counts: readonly number[]): number {
  const [first = Number.NaN] = counts;
  return counts.every((count) => count === first) ? first : Number.NaN;
}

function divides(size: number, counts: readonly number[]): boolean {
  return counts.every((count) => count % size === 0);
}

function isHeadSize(size: number): boolean {
  return isCount(size) && size > 0 && size % 2 === 0;
}
