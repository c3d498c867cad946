// How a plan looks in a terminal: each ratio in one type, the least pruning of each type, and the
// commands. The unpruned model is the first row, so that nobody prunes what fits already.
import type { FileType } from '../../model/types/mixtures.js';
import { drawGrid, type TableColumn } from '../../terminal/table.js';
import { formatCount, formatDisk, formatMemory, plural } from '../../terminal/units.js';
import type { Device } from '../catalogue/device.js';
import type { Fit } from '../fit/fit.js';
import { speedText, type VerdictWords, verdictText } from '../fit/fit-report.js';
import type { BaseModel } from './base-model.js';
import { type FittedCandidate, leastPruning, type PlanRow } from './plan-for-device.js';
import { TYPES_SOURCE } from './published.js';
import { isPruned, type PublishedPair, publishedFrontier } from './published-frontier.js';
import { LLM_PRUNER_NEEDS, makeCommands, pruneCommand, pruneForCommand } from './shell-commands.js';

export type PlanReport = {
  base: BaseModel;
  device: Device;
  rows: PlanRow[];
  /** The type that the table of ratios and the commands are of. */
  fileType: FileType;
  /** Of devices that are not hearth's own. */
  deviceFiles: readonly string[];
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
    ...frontierLines(rows),
    ...commandLines(report),
  ].join('\n');
}

/** The same for every candidate. */
export function limitsOf([first]: readonly PlanRow[]): { nCtx: number; budgetBytes: number } {
  const fit = first?.types[0]?.fit;
  return { nCtx: fit?.memory.nCtx ?? 0, budgetBytes: fit?.budgetBytes ?? 0 };
}

type PlannedCandidate = { row: PlanRow; candidate: FittedCandidate };

const SIZES: TableColumn<PlannedCandidate>[] = [
  right('File', ({ candidate }) => formatDisk(candidate.fileBytes)),
  right('Memory', ({ candidate }) => formatMemory(candidate.fit.neededBytes)),
  right('tok/s', ({ candidate }) => speedText(speedAt(candidate.fit))),
];

/** An arrow marks the least pruning that fits; what does not fit says what would. */
function ratioTable(rows: readonly PlanRow[], fileType: FileType): string {
  const least = leastPruning(rows, fileType)?.row;
  const columns: TableColumn<PlannedCandidate>[] = [
    right('', ({ row }) => (row === least ? '→' : '')),
    right('Ratio', ({ row }) => row.ratio.toFixed(2)),
    right('Parameters', ({ row }) => parametersText(row)),
    right('Heads', ({ row }) => String(prunedLayer(row)?.nHead ?? '')),
    right('n_ff', ({ row }) => String(prunedLayer(row)?.nFf ?? '')),
    ...SIZES,
    right('PPL', ({ row: { perplexity } }) =>
      String((perplexity?.tuned ?? perplexity)?.wikitext2 ?? ''),
    ),
    { head: 'Fits', cell: ({ candidate }) => verdictText(candidate.fit, VERDICTS) },
  ];
  const candidates = rows.flatMap((row) => row.types.map((candidate) => ({ row, candidate })));
  return drawGrid(
    columns,
    candidates.filter(({ candidate }) => candidate.fileType === fileType),
  );
}

function right<Row>(head: string, cell: (row: Row) => string): TableColumn<Row> {
  return { head, align: 'right', cell };
}

function parametersText({ model, removed }: PlanRow): string {
  return formatCount(model.nParams) + (removed > 0 ? ` -${(100 * removed).toFixed(0)} %` : '');
}

function prunedLayer({ model, layers }: PlanRow) {
  return model.layers[layers?.first ?? 0];
}

function typeTable(rows: readonly PlanRow[]): string {
  type Least = { fileType: FileType; least: PlannedCandidate | null };
  const columns: TableColumn<Least>[] = [
    { head: 'Type', cell: ({ fileType }) => fileType },
    right('Ratio', ({ least }) => least?.row.ratio.toFixed(2) ?? 'none'),
    right('Parameters', ({ least }) => (least ? formatCount(least.row.model.nParams) : '')),
    ...SIZES.map(({ head, cell }) => right(head, ({ least }: Least) => (least ? cell(least) : ''))),
  ];
  return drawGrid(
    columns,
    typesOf(rows).map((fileType) => ({ fileType, least: leastPruning(rows, fileType) })),
  );
}

/** What is worth choosing from by what others measured; nothing where they did not. */
function frontierLines(rows: readonly PlanRow[]): string[] {
  const frontier = publishedFrontier(rows);
  if (!frontier) return [];
  const { pairs, nPruned } = frontier;
  const columns: TableColumn<PublishedPair>[] = [
    { head: 'Type', cell: ({ candidate }) => candidate.fileType },
    right('Ratio', ({ row }) => row.ratio.toFixed(2)),
    ...SIZES,
    right('PPL ×', ({ perplexityFactor }) => perplexityFactor.toFixed(3)),
    { head: 'Fits', cell: ({ candidate }) => verdictText(candidate.fit, VERDICTS) },
  ];
  return [
    'Worth choosing from by published figures: nothing else there takes less memory and costs less',
    drawGrid(columns, pairs),
    `PPL ×: perplexity over that of half precision, unpruned; of types: ${TYPES_SOURCE}; of pruned ones times what pruning cost`,
    `${plural(nPruned, 'pruned pair')} had a figure, ${pairs.filter(isPruned).length} of them stand here`,
    '',
  ];
}

export function typesOf([first]: readonly PlanRow[]): FileType[] {
  return first?.types.map(({ fileType }) => fileType) ?? [];
}

/** Only with the whole context that was asked for, as the rows are compared with one another. */
export function speedAt({ verdict, speed }: Fit) {
  return verdict.kind === 'fits' ? (speed?.tgTokensPerSecond ?? null) : null;
}

const VERDICTS: VerdictWords = {
  fits: 'yes',
  'fits-with-cpu-layers': '',
  'fits-up-to-context': 'up to',
  'does-not-fit': 'no,',
};

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

function commandLines(report: PlanReport): string[] {
  const { nCtx } = limitsOf(report.rows);
  return [
    ...leastCommands(report),
    'Or what is best for that device by measuring what fits, pruned or not:',
    wrapCommand(pruneForCommand(report.base, { ...report, nCtx })),
  ];
}

function leastCommands({ base, rows, fileType }: PlanReport): string[] {
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
  return [
    title,
    ...makeCommands(base, least.row, fileType).map(wrapCommand),
    ...(ratio === 0 ? [] : [LLM_PRUNER_NEEDS, ...homeCommand(base, least.row, fileType)]),
  ];
}

/** The same widths where there is neither Python nor a large GPU. */
function homeCommand(base: BaseModel, row: PlanRow, fileType: FileType): string[] {
  return [
    'Or here, without Python and without gradients:',
    wrapCommand(pruneCommand(base, row, fileType)),
  ];
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
