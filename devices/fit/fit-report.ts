// How a fit looks in a terminal: the bars, the verdict, the speed and the advice for one device, or a
// table of all of them. Decides nothing.
import Table from 'cli-table3';
import { formatMemory } from '../../terminal/units.js';
import type { Range } from '../speed/speed-prediction.js';
import type { Advice, Change } from './advice.js';
import type { Fit } from './fit.js';
import { memoryBars } from './memory-bars.js';

/** What is being fitted, as text: `chat.gguf, Q4_K_M, 5.42 B parameters`. */
export type FitTitle = string;

export function fitText(title: FitTitle, fit: Fit, advice: Advice): string {
  const { device, memory, neededBytes, budgetBytes } = fit;
  const counted = device.kind === 'discrete' ? "of the card's memory" : 'of memory';
  return [
    title,
    `${device.name}, ${memory.nCtx} tokens of context`,
    '',
    ...memoryBars(fit),
    '',
    `Needs    ${formatMemory(neededBytes)} ${counted}; ${formatMemory(budgetBytes)} is there for a model`,
    `Verdict  ${verdictText(fit)}`,
    ...speedLines(fit),
    '',
    'Advice',
    ...adviceLines(fit, advice).map((line) => `  ${line}`),
    ...(memory.computeSource === 'formula'
      ? ['', 'llama.cpp could not be asked here: the compute buffers are by formula.']
      : []),
  ].join('\n');
}

export function fitTable(title: FitTitle, fits: readonly Fit[]): string {
  const table = new Table({
    head: ['Device', 'For a model', 'Needs', 'Fits', 'Largest context', 'tok/s'],
    colAligns: ['left', 'right', 'right', 'left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const fit of fits)
    table.push([
      fit.device.id,
      formatMemory(fit.budgetBytes),
      formatMemory(fit.neededBytes),
      verdictText(fit),
      fit.maxCtx === 0 ? 'none' : String(fit.maxCtx),
      fit.speed ? rangeText(fit.speed.tgTokensPerSecond) : '',
    ]);
  const nCtx = fits[0]?.memory.nCtx ?? 0;
  return [`${title}, ${nCtx} tokens of context`, '', table.toString(), '', ...TABLE_NOTES].join(
    '\n',
  );
}

const TABLE_NOTES = [
  'For a model: memory less what the system keeps and a margin. Largest context: all layers on the',
  'device. tok/s: as the column Fits says, half the context in use; --device NAME tells the derivation.',
];

export function verdictText({ verdict }: Fit): string {
  switch (verdict.kind) {
    case 'fits':
      return 'fits';
    case 'fits-with-cpu-layers':
      return `fits with ${verdict.cpuLayers} layers on the CPU`;
    case 'fits-up-to-context':
      return `fits up to ${verdict.nCtx} tokens`;
    case 'does-not-fit':
      return `does not fit, ${formatMemory(verdict.missingBytes)} short`;
    default:
      return verdict satisfies never;
  }
}

function speedLines({ speed, device, verdict }: Fit): string[] {
  if (!speed)
    return verdict.kind === 'does-not-fit'
      ? []
      : [`Speed    not known for ${device.name}; name a device with --device`];
  const { tgTokensPerSecond: tg, ppTokensPerSecond: pp, bytesPerToken, basis } = speed;
  return [
    `Speed    ${rangeText(tg)} tok/s (likely ${figure(tg.typical)}); prompts ${rangeText(pp)} tok/s (likely ${figure(pp.typical)})`,
    `         each token reads ${formatMemory(bytesPerToken)}: ${basis}`,
  ];
}

function adviceLines(fit: Fit, { bestType, maxCtx, cheapestChange }: Advice): string[] {
  const context = `Largest context: ${maxCtx.F16 || 'none'} with a KV cache of F16, ${maxCtx.Q8_0 || 'none'} with Q8_0.`;
  const best = bestType
    ? `Best type: ${bestType.fileType} fits with ${fit.memory.nCtx} tokens, in ${formatMemory(bestType.fit.neededBytes)}.`
    : `Best type: none fits with ${fit.memory.nCtx} tokens.`;
  return [best, context, ...(cheapestChange ? [changeText(cheapestChange)] : [])];
}

export function changeText(change: Change): string {
  const cheapest = 'Cheapest change that makes it fit:';
  switch (change.kind) {
    case 'kv-type':
      return `${cheapest} --kv-type ${change.kvType}, a KV cache of nearly half the size.`;
    case 'context':
      return `${cheapest} --ctx ${change.nCtx}, a shorter context.`;
    case 'parallel':
      return `${cheapest} --parallel ${change.parallel}, one sequence at a time.`;
    case 'type':
      return `${cheapest} convert to ${change.fileType}, of fewer bits.`;
    case 'cpu-layers':
      return `${cheapest} --gpu-layers ${change.gpuLayers}, which leaves ${change.cpuLayers} layers to the CPU and is slower.`;
    case 'prune':
      return 'No setting makes it fit: prune more (hearth plan says how much) or take a larger device.';
    default:
      return change satisfies never;
  }
}

export function rangeText({ low, high }: Range): string {
  return `${figure(low)}-${figure(high)}`;
}

function figure(tokensPerSecond: number): string {
  return tokensPerSecond < 10 ? tokensPerSecond.toFixed(1) : tokensPerSecond.toFixed(0);
}
