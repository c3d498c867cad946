// What is said where no pair fits a device: the one that comes nearest, what it lacks, and what would do.
import { CheckpointError } from '../../model/checkpoint/checkpoint-error.js';
import type { FileType } from '../../model/types/mixtures.js';
import { formatMemory, formatPercent } from '../../terminal/units.js';
import type { Pair } from './pair.js';

type Asked = {
  /** Of the model. */
  path: string;
  /** Tokens a second that are wanted. */
  minTps: number | null;
  /** The only type that was asked for; undefined for all. */
  type?: FileType | undefined;
};

export function nothingFits(nearest: Pair, { path, minTps, type }: Asked): CheckpointError {
  const { fit, ratio, quantised } = nearest;
  const { device, memory, neededBytes, budgetBytes, speed } = fit;
  const pair = `${quantised.fileType} with ${formatPercent(ratio, 0)} of the weights gone`;
  const types = type ?? 'any type';
  const needs = `needs ${formatMemory(neededBytes)} of ${formatMemory(budgetBytes)}`;
  if (minTps !== null && speed && fit.verdict.kind === 'fits')
    return new CheckpointError(
      path,
      `does not reach ${minTps} tok/s on ${device.id} as ${types}, however much is pruned: ${pair} comes nearest, ${needs} and likely reaches ${speed.tgTokensPerSecond.typical.toFixed(1)} tok/s; ask for less (--min-tps), or take a quicker device`,
    );
  const context = fit.maxCtx > 0 ? `take --ctx ${fit.maxCtx}, or ` : '';
  return new CheckpointError(
    path,
    `does not fit ${device.id} as ${types} at ${memory.nCtx} tokens of context, however much is pruned: ${pair} comes nearest and ${needs}; ${context}prune more layers (--layers) or take a device with ${formatMemory(neededBytes - budgetBytes)} more`,
  );
}
