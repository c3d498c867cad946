// How a plan looks in a terminal: each ratio in one type, the least pruning of each type, and the
// commands. The unpruned model is the first row, so that nobody prunes what fits already.
// Decides nothing.
import Table from 'cli-table3';
import type { FileType } from '../../model/types/mixtures.js';
import { formatCount, formatDisk, formatMemory } from '../../terminal/units.js';
import type { Device } from '../catalogue/device.js';
import type { Fit } from '../fit/fit.js';
import { rangeText } from '../fit/fit-report.js';
import type { BaseModel } from './base-model.js';
import { type FittedCandidate, leastPruning, type PlanRow } from './plan-for-device.js';
import { makeCommands } from './shell-commands.js';

export type PlanReport = {
  base: BaseModel;
  device: Device;
  rows: PlanRow[];
  /** The type that the table of ratios and the commands are of. */
  fileType: FileType;
};

export function planReportText(report: PlanReport): string {
  const { base, device, rows, fileType } = report;
  const { nCtx, budgetBytes } = limitsOf(rows);
  return [
    `${base.name}, ${formatCount(base.model.nParams)} parameters, on ${device.name}`,
    `${formatMemory(budgetBytes)} for a model, ${nCtx} tokens of context`,
    '',
    `Pruned by LLM-Pruner, ${fileType}`,
    ratioTable(rows, fileType),
    ...perplexityNotes(rows),
    '',
    'Least pruning that fits, by type',
    typeTable(rows),
    '',
    ...commandLines(report),
  ].join('\n');
}

/** The same for every candidate. */
export function limitsOf([first]: readonly PlanRow[]): { nCtx: number; budgetBytes: number } {
  const fit = first?.types[0]?.fit;
  return { nCtx: fit?.memory.nCtx ?? 0, budgetBytes: fit?.budgetBytes ?? 0 };
}

const RATIO_HEAD = ['', 'Ratio', 'Parameters', 'Heads', 'n_ff', 'File', 'Memory', 'tok/s', 'PPL'];

/** An arrow marks the least pruning that fits; what does not fit says what would. */
function ratioTable(rows: readonly PlanRow[], fileType: FileType): string {
  const table = new Table({
    head: [...RATIO_HEAD, 'Fits'],
    colAligns: [
      ...Array.from({ length: RATIO_HEAD.length }, () => 'right' as const),
      'left' as const,
    ],
    style: { head: [], border: [], compact: true },
  });
  const least = leastPruning(rows, fileType)?.row;
  for (const row of rows)
    for (const candidate of row.types.filter((size) => size.fileType === fileType))
      table.push([row === least ? '→' : '', ...ratioCells(row, candidate)]);
  return table.toString();
}

function ratioCells(row: PlanRow, candidate: FittedCandidate): string[] {
  const { model, layers, removed, ratio, perplexity } = row;
  const pruned = model.layers[layers?.first ?? 0];
  return [
    ratio.toFixed(2),
    `${formatCount(model.nParams)}${removed > 0 ? ` -${(100 * removed).toFixed(0)} %` : ''}`,
    String(pruned?.nHead ?? ''),
    String(pruned?.nFf ?? ''),
    ...sizeCells(candidate),
    perplexity ? String(perplexity.tuned?.wikiText2 ?? perplexity.wikiText2) : '',
    verdictText(candidate.fit),
  ];
}

function typeTable(rows: readonly PlanRow[]): string {
  const table = new Table({
    head: ['Type', 'Ratio', 'Parameters', 'File', 'Memory', 'tok/s'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const fileType of typesOf(rows)) {
    const least = leastPruning(rows, fileType);
    if (!least) table.push([fileType, 'none', '', '', '', '']);
    else
      table.push([
        fileType,
        least.row.ratio.toFixed(2),
        formatCount(least.row.model.nParams),
        ...sizeCells(least.candidate),
      ]);
  }
  return table.toString();
}

export function typesOf([first]: readonly PlanRow[]): FileType[] {
  return first?.types.map(({ fileType }) => fileType) ?? [];
}

function sizeCells({ fileBytes, fit }: FittedCandidate): string[] {
  return [formatDisk(fileBytes), formatMemory(fit.neededBytes), speedText(fit)];
}

function speedText(fit: Fit): string {
  const speed = speedAt(fit);
  return speed ? rangeText(speed) : '';
}

/** Only with the whole context that was asked for, as the rows are compared with one another. */
export function speedAt({ verdict, speed }: Fit) {
  return verdict.kind === 'fits' ? (speed?.tgTokensPerSecond ?? null) : null;
}

function verdictText({ verdict }: Fit): string {
  switch (verdict.kind) {
    case 'fits':
      return 'yes';
    case 'fits-with-cpu-layers':
      return `${verdict.cpuLayers} layers on the CPU`;
    case 'fits-up-to-context':
      return `up to ${verdict.nCtx} tokens`;
    case 'does-not-fit':
      return `no, ${formatMemory(verdict.missingBytes)} short`;
    default:
      return verdict satisfies never;
  }
}

/** Whose figures they are, as a reader would take them for those of this very file. */
function perplexityNotes(rows: readonly PlanRow[]): string[] {
  const published = rows.flatMap(({ perplexity }) => perplexity ?? []);
  const [first] = published;
  if (!first) return [];
  const tuning = published.some(({ tuned }) => tuned) ? 'after post_training.py' : 'before tuning';
  return [
    `PPL: WikiText-2 perplexity of ${first.model} in half precision, pruned ones ${tuning}, as published: ${first.source}`,
  ];
}

function commandLines({ base, rows, fileType }: PlanReport): string[] {
  const least = leastPruning(rows, fileType);
  if (!least)
    return [
      `No pruning up to ${rows.at(-1)?.ratio} makes ${fileType} fit with ${limitsOf(rows).nCtx} tokens of context: take a smaller type, a shorter context or a larger device.`,
    ];
  const { ratio } = least.row;
  const title =
    ratio === 0
      ? `${fileType} fits without pruning, which would buy speed and a smaller KV cache:`
      : `The least pruning that fits in ${fileType}, in a checkout of LLM-Pruner:`;
  return [title, ...makeCommands(base, least.row, fileType).map(wrapCommand)];
}

const COMMAND_WIDTH = 96;

/** On several lines that a shell joins. */
function wrapCommand(command: string): string {
  const lines: string[] = [];
  for (const part of command.split(/ (?=--?\w)/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + part.length < COMMAND_WIDTH)
      lines[lines.length - 1] = `${last} ${part}`;
    else lines.push(part);
  }
  return `  ${lines.join(' \\\n    ')}`;
}
