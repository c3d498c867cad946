// The plan of a pruning as it stands on stderr before any long work.
import type { Fit } from '../../devices/fit/fit.js';
import { speedText, verdictText } from '../../devices/fit/fit-report.js';
import { formatCount, formatDisk, formatMemory, plural } from '../../terminal/units.js';
import { paramsToRemove } from '../choose/target.js';
import type { PrunePlan } from './plan.js';

/** A line for what goes, one for the file, one for the device. */
export function planText(plan: PrunePlan): string {
  const { model, layers, denseType, nTokens, fit } = plan;
  return [
    `in layers ${layers.first} to ${layers.last} of ${model.layers.length}, ${removalText(plan)}; calibrated as ${denseType} on ${nTokens} tokens`,
    `the file: ${sizeText(plan)}`,
    `on ${fit.device.name}: ${runText(fit)}`,
  ].join('\n');
}

function removalText({ model, target, uniform }: PrunePlan): string {
  if (uniform)
    return `${plural(uniform.nHeadKv, 'KV head')} and ${plural(uniform.nFf, 'channel')} stay`;
  const removed = paramsToRemove(target, model);
  if (removed === null) return 'as much goes as the size wants';
  return `${formatCount(removed)} of ${formatCount(model.nParams)} weights go`;
}

function sizeText({ headerBytes, size: { isExact, weightsBytes, mostBytes } }: PrunePlan): string {
  const most = `at most ${formatDisk(mostBytes)}`;
  if (isExact) return `${most}, of which the weights take ${weightsBytes} bytes`;
  return `about ${formatDisk(headerBytes + weightsBytes)} by even widths, ${most} by those that the search finds`;
}

function runText(fit: Fit): string {
  const { neededBytes, budgetBytes, memory, verdict, speed } = fit;
  const needs = `${formatMemory(neededBytes)} at ${memory.nCtx} tokens of context`;
  const fits =
    verdict.kind === 'fits' ? '' : `, of ${formatMemory(budgetBytes)}: ${verdictText(fit)}`;
  const tokens = speed ? `; ${speedText(speed.tgTokensPerSecond)} tok/s` : '';
  return `${needs}${fits}${tokens}`;
}
