// Which layers are pruned where nobody says: all but the first eighth and the last two or three, which every
// measurement found dearest (LLM-Pruner's README keeps 4 and 2 of 32; SmolLM2's 30 likewise).
import type { LayerRange } from '../../devices/plan/block-pruning.js';

export function defaultLayers(nLayer: number): LayerRange {
  if (nLayer < 10) return { first: Math.min(1, nLayer - 1), last: nLayer - 1 };
  return { first: Math.round(nLayer / 8), last: nLayer - 3 };
}
