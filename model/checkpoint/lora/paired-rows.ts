// A LoRA for weights of a GGUF, whose rows of q and k lie in RoPE's pairs: its own lie in the halves of
// Hugging Face's heads, so they are read in the other order.
// Knows no other difference between the two forms, as there is none.
import type { Checkpoint } from '../checkpoint.js';
import { findHeadSize } from '../structure.js';
import { elementCount, pickColumns, pickRows } from '../tensor-source.js';
import type { LoraPair } from './lora.js';

/** `pair` as it is added to the weights of `checkpoint`. */
export function orderAsStored(pair: LoraPair, checkpoint: Checkpoint): LoraPair {
  if (checkpoint.kind !== 'gguf' || !/\.[qk]_proj\.weight$/.test(pair.target)) return pair;
  const rows = pair.fanInFanOut ? pair.a.shape.slice(1) : pair.b.shape.slice(0, 1);
  const order = halvesInPairs(elementCount(rows), findHeadSize(checkpoint));
  return pair.fanInFanOut
    ? { ...pair, a: pickColumns(pair.a, order) }
    : { ...pair, b: pickRows(pair.b, order) };
}

/** Row `2j + half` of a head is Hugging Face's row `half · size/2 + j`. */
function halvesInPairs(nRows: number, headSize: number): Int32Array {
  return Int32Array.from({ length: nRows }, (_, row) => {
    const inHead = row % headSize;
    return row - inHead + (inHead % 2) * (headSize / 2) + Math.floor(inHead / 2);
  });
}
