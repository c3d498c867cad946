// How much is to go: a share of all weights, a number of weights that stay, or the size of the file.
// Sizes come from the same plan that convert follows to the byte.

import { CheckpointError } from '../../model/checkpoint/checkpoint-error.js';
import type { LlamaModel } from '../../model/shape/llama-model.js';
import { formatCount, formatDisk } from '../../terminal/units.js';
import type { Stepped, Widths } from './allocate.js';

export type Target =
  /** Of all weights, 0 to 1. */
  | { kind: 'ratio'; ratio: number }
  /** Weights that stay. */
  | { kind: 'params'; params: number }
  /** Of the file. */
  | { kind: 'size'; sizeBytes: number };

/** Weights that must go; null where that depends on the file's size. */
export function paramsToRemove(target: Target, { nParams }: LlamaModel): number | null {
  if (target.kind === 'ratio') return Math.round(target.ratio * nParams);
  return target.kind === 'params' ? Math.max(0, nParams - target.params) : null;
}

export type Meeting<T extends Stepped> = {
  model: LlamaModel;
  /** Of the model, for messages. */
  path: string;
  /** Widths by which at least so many weights go; null where there are none. */
  remove: (params: number) => Widths<T> | null;
  /** Of the file with some widths. */
  fileBytes: (widths: Widths<T>) => number;
};

/** The widths that meet `target`. Throws {@link CheckpointError} where even the least do not. */
export function meetTarget<T extends Stepped>(
  parts: readonly T[],
  target: Target,
  { model, path, ...meeting }: Meeting<T>,
): Widths<T> {
  const params = paramsToRemove(target, model);
  const widths = params === null ? largestWithin(parts, target, meeting) : meeting.remove(params);
  if (widths) return widths;
  const most = parts.reduce((sum, part) => sum + removable(part), 0);
  throw new CheckpointError(
    path,
    `${describeTarget(target)} cannot be reached: of its ${formatCount(model.nParams)} weights, ${formatCount(most)} can go from the layers that are pruned; prune more layers (--layers), or take a smaller type`,
  );
}

function removable({ nGroups, least, paramsPerGroup }: Stepped): number {
  return (nGroups - least) * paramsPerGroup;
}

function describeTarget(target: Target): string {
  if (target.kind === 'ratio') return `a ratio of ${target.ratio}`;
  if (target.kind === 'params') return `${formatCount(target.params)} weights`;
  return `a file of ${formatDisk(target.sizeBytes)}`;
}

/** The fewest weights that must go for a file of at most so many bytes, by halves. */
function largestWithin<T extends Stepped>(
  parts: readonly T[],
  target: Target,
  { remove, fileBytes }: Pick<Meeting<T>, 'remove' | 'fileBytes'>,
): Widths<T> | null {
  if (target.kind !== 'size') return null;
  const fits = (params: number) => {
    const widths = remove(params);
    return widths && fileBytes(widths) <= target.sizeBytes ? widths : null;
  };
  const whole = fits(0);
  if (whole) return whole;
  let [tooFew, enough] = [0, parts.reduce((sum, part) => sum + removable(part), 0)];
  let best = fits(enough);
  if (!best) return null;
  const grain = Math.min(...parts.map(({ paramsPerGroup }) => paramsPerGroup));
  while (enough - tooFew > grain) {
    const middle = Math.floor((tooFew + enough) / 2);
    const found = fits(middle);
    if (found) [best, enough] = [found, middle];
    else tooFew = middle;
  }
  return best;
}
