// How a fit looks in a terminal: the bars, the verdict, the speed and the advice for one device, or a
// table of all of them.
import { drawGrid, type TableColumn } from '../../terminal/table.js';
import { formatMemory } from '../../terminal/units.js';
import type { SpeedRange } from '../speed/speed.js';
import type { Advice, Change } from './advice.js';
import type { Fit, FitVerdict } from './fit.js';

/** `title` is what is being fitted: `chat.gguf, Q4_K_M, 5.42 B parameters`. */
export function fitText(title: string, fit: Fit, advice: Advice): string {
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

export function fitTable(title: string, fits: readonly Fit[]): string {
  const nCtx = fits[0]?.memory.nCtx ?? 0;
  const head = `${title}, ${nCtx} tokens of context`;
  return [head, '', drawGrid(FIT_COLUMNS, fits), '', ...TABLE_NOTES].join('\n');
}

const FIT_COLUMNS: TableColumn<Fit>[] = [
  { head: 'Device', cell: ({ device }) => device.id },
  { head: 'For a model', align: 'right', cell: ({ budgetBytes }) => formatMemory(budgetBytes) },
  { head: 'Needs', align: 'right', cell: ({ neededBytes }) => formatMemory(neededBytes) },
  { head: 'Fits', cell: verdictText },
  { head: 'Largest context', align: 'right', cell: ({ maxCtx }) => String(maxCtx || 'none') },
  { head: 'tok/s', align: 'right', cell: ({ speed }) => speedText(speed?.tgTokensPerSecond) },
];

const TABLE_NOTES = [
  'For a model: memory less what the system keeps and a margin. Largest context: all layers on the',
  'device. tok/s: as the column Fits says, half the context in use; --device NAME tells the derivation.',
];

const VERDICTS: VerdictWords = {
  fits: 'fits',
  'fits-with-cpu-layers': 'fits with',
  'fits-up-to-context': 'fits up to',
  'does-not-fit': 'does not fit,',
};

export type VerdictWords = Readonly<Record<FitVerdict['kind'], string>>;

/** What `words` say of a verdict, and after them by how much. */
export function verdictText({ verdict }: Pick<Fit, 'verdict'>, words = VERDICTS): string {
  return `${words[verdict.kind]} ${howFar(verdict)}`.trim();
}

function howFar(verdict: FitVerdict): string {
  switch (verdict.kind) {
    case 'fits':
      return '';
    case 'fits-with-cpu-layers':
      return `${verdict.cpuLayers} layers on the CPU`;
    case 'fits-up-to-context':
      return `${verdict.nCtx} tokens`;
    case 'does-not-fit':
      return `${formatMemory(verdict.missingBytes)} short`;
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
    `Speed    ${speedText(tg)} tok/s (likely ${figure(tg.typical)}); prompts ${speedText(pp)} tok/s (likely ${figure(pp.typical)})`,
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

/** `12-17`; nothing of a speed that is not known. */
export function speedText(range: SpeedRange | null | undefined): string {
  return range ? `${figure(range.low)}-${figure(range.high)}` : '';
}

function figure(tokensPerSecond: number): string {
  return tokensPerSecond < 10 ? tokensPerSecond.toFixed(1) : tokensPerSecond.toFixed(0);
}

const BAR_WIDTH = 48;

/**
 * Bars of memory, each beginning where the one before ends, against what the device has; what reaches past
 * it is drawn in another shade. Plain characters: they are pasted into issues and chats.
 */
function memoryBars(fit: Fit): string[] {
  const parts = memoryParts(fit);
  const total = parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const { memoryBytes } = fit.device;
  const perColumn = Math.max(total, memoryBytes) / BAR_WIDTH;
  const edge = Math.round(memoryBytes / perColumn);
  let end = 0;
  const rows = parts.map(({ label, sizeBytes }) => {
    const bar = draw(Math.round(end / perColumn), Math.round((end + sizeBytes) / perColumn), edge);
    end += sizeBytes;
    return row(label, bar, sizeBytes);
  });
  const rest = memoryBytes - total;
  const last = draw(Math.round(Math.min(total, memoryBytes) / perColumn), edge, edge, '·');
  return [...rows, rest >= 0 ? row('free', last, rest) : row('missing', '', -rest)];
}

/** What lies in the device's memory, in the order in which it is taken. */
function memoryParts({ device, memory, marginBytes }: Fit): { label: string; sizeBytes: number }[] {
  const pools = memory.device === null || device.kind === 'shared' ? [memory.host] : [];
  const taken = [...(memory.device ? [memory.device] : []), ...pools];
  const sum = (pick: (parts: (typeof taken)[number]) => number) =>
    taken.reduce((total, parts) => total + pick(parts), 0);
  return [
    { label: 'system', sizeBytes: device.reservedBytes },
    { label: 'overhead', sizeBytes: sum(({ overheadBytes }) => overheadBytes) },
    { label: 'weights', sizeBytes: sum(({ weightsBytes }) => weightsBytes) },
    { label: 'KV cache', sizeBytes: sum(({ kvBytes }) => kvBytes) },
    { label: 'compute', sizeBytes: sum(({ computeBytes }) => computeBytes) },
    { label: 'margin', sizeBytes: marginBytes },
  ];
}

function row(label: string, bar: string, sizeBytes: number): string {
  return `  ${label.padEnd(8)}  ${bar.padEnd(BAR_WIDTH)}  ${formatMemory(sizeBytes).padStart(9)}`;
}

function draw(start: number, end: number, edge: number, inside = '█'): string {
  return Array.from({ length: end }, (_, i) => {
    if (i < start) return ' ';
    return i < edge ? inside : '▒';
  }).join('');
}
