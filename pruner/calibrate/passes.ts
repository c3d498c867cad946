// Which Gram matrices are summed in which pass over the text, where they do not all fit in memory.
import { gramBytes } from '../../llama/gram-matrix.js';
import { formatMemory } from '../../terminal/units.js';
import type { CutTask } from './calibrate-protocol.js';

/** Groups in the order of the model, the first pass first; one empty group where no Gram is wanted. */
export function planPasses(cuts: readonly CutTask[], memoryBytes: number): CutTask[][] {
  const passes: CutTask[][] = [[]];
  let used = 0;
  for (const cut of cuts.filter(({ hasGram }) => hasGram)) {
    const sizeBytes = gramBytes(cut.nCols);
    if (sizeBytes > memoryBytes)
      throw new Error(
        `the Gram matrix of ${cut.name} takes ${formatMemory(sizeBytes)}, and ${formatMemory(Math.max(0, memoryBytes))} are left beside the model; allow ${formatMemory(sizeBytes - memoryBytes)} more, or do without (bias repair needs none)`,
      );
    if (used + sizeBytes > memoryBytes) {
      passes.push([]);
      used = 0;
    }
    passes.at(-1)?.push(cut);
    used += sizeBytes;
  }
  return passes;
}
