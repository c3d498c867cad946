// A LoRA of a dense model for the same model pruned: of B·A the rows and columns that the model kept.
// Those are rows of B and columns of A, so what is picked there is merged as if it had been trained so.
// Reads no weights.
import type { Checkpoint } from '../checkpoint.js';
import type { Pruning } from '../pruned-checkpoint.js';
import { pickColumns, pickRows, type TensorSource } from '../tensor-source.js';
import type { Lora, LoraPair } from './lora.js';

/** `pruned` is what became of the checkpoint that the LoRA was opened for. */
export function pruneLora(lora: Lora, pruned: Checkpoint, { replaced }: Pruning): Lora {
  const pairs = new Map<string, LoraPair>();
  for (const [target, pair] of lora.pairs) {
    const source = pruned.tensors.get(target);
    if (source && !replaced.has(target)) pairs.set(target, prunePair(pair, source));
  }
  return { ...lora, pairs };
}

function prunePair(pair: LoraPair, { rows, columns }: TensorSource): LoraPair {
  const [ofB, ofA] = pair.fanInFanOut ? [columns, rows] : [rows, columns];
  return {
    ...pair,
    a: ofA ? pickColumns(pair.a, ofA.kept) : pair.a,
    b: ofB ? pickRows(pair.b, ofB.kept) : pair.b,
  };
}
