// What is said where no pair fits a device: the one that comes nearest, what it lacks, and what would do.
import { CheckpointError } from '../../model/checkpoint/checkpoint-error.js';
import { formatMemory, formatPercent } from '../../terminal/units.js';
import type { Pair } from './pair.js';

/** `path` is the model's; `minTps` the tokens a second that are wanted. */
export function nothingFits(
  nearest: Pair,
  { path, minTps }: { path: string; minTps: number | null },
): CheckpointError {
  const { fit, ratio, quantised } = nearest;
  const { device, memory, neededBytes, budgetBytes, speed } = fit;
  const pair = `${quantised.fileType} with ${formatPercent(ratio, 0)} of the weights gone`;
  const needs = `needs ${formatMemory(neededBytes)} of ${formatMemory(budgetBytes)}`;
  if (minTps !== null && speed && fit.verdict.kind === 'fits')
    return new CheckpointError(
      path,
      `answers with ${minTps} tok/s on ${device.id} in no type, however much is pruned: ${pair} comes nearest, ${needs} and likely reaches ${speed.tgTokensPerSecond.typical.toFixed(1)} tok/s; ask for less (--min-tps), or take a quicker device`,
    );
  const context = fit.maxCtx > 0 ? `take --ctx ${fit.maxCtx}, or ` : '';
  return new CheckpointError(
    path,
    `fits ${device.id} in no type at ${memory.nCtx} tokens of context, however much is pruned: ${pair} comes nearest and ${needs}; ${context}prune more layers (--layers) or take a device with ${formatMemory(neededBytes - budgetBytes)} more`,
  );
}
