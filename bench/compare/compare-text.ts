// A comparison in a terminal: tables of figures, the equal-memory table, what fits where, the answers.
// Names and answers come from files and models, so whoever prints this makes it printable.
// Measures nothing.
import Table from 'cli-table3';
import { verdictText } from '../../devices/fit/fit-report.js';
import {
  formatCount,
  formatDisk,
  formatDuration,
  formatMemory,
  formatPercent,
} from '../../terminal/units.js';
import type { Compared, Comparison, EqualMemory } from './comparison.js';
import { devicesOf, isFitting } from './device-rows.js';
import {
  averageOf,
  estimateText,
  memoryText,
  NOTHING,
  perplexityText,
  rateText,
  rightAnswers,
  shareKept,
} from './figure-text.js';

/** More answers than these are for the report and for --json. */
const SHOWN_QUESTIONS = 3;

export function comparisonText(comparison: Comparison): string {
  const { models, made } = comparison;
  return [
    ...section('Size, memory and speed', figuresTable(comparison), figureNotes(comparison)),
    ...section('Quality', qualityTable([...models, ...made]), qualityNotes(comparison)),
    ...section('At equal memory', equalTable(comparison), equalNotes(comparison)),
    ...section('What fits where', fitTable(models), fitNotes(comparison)),
    ...answersText(comparison),
  ].join('\n');
}

/** Nothing where there is neither row nor note. */
function section(title: string, table: Table.Table, notes: string[]): string[] {
  const drawn = table.length > 0 ? [table.toString()] : [];
  return drawn.length + notes.length > 0 ? [title, ...drawn, ...notes, ''] : [];
}

function table(head: string[], numbersFrom = 1): Table.Table {
  return new Table({
    head,
    colAligns: head.map((_, i) => (i < numbersFrom ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
}

function figuresTable({ models, made }: Comparison): Table.Table {
  const drawn = table(
    ['Model', 'Type', 'Parameters', 'Kept', 'File', 'Memory', 'Answer', 'tok/s', 'TTFT'],
    2,
  );
  for (const model of [...models, ...made]) {
    const { file, speed } = model;
    const kept = shareKept(model, models[0]);
    drawn.push([
      model.label,
      file?.fileType ?? NOTHING,
      file ? formatCount(file.sized.shape.nParams) : NOTHING,
      kept === null ? NOTHING : formatPercent(kept),
      file ? formatDisk(file.sizeBytes) : NOTHING,
      memoryText(model),
      speed ? formatDuration(speed.answerMs) : NOTHING,
      speed ? rateText(speed.tokensPerSecond) : NOTHING,
      speed ? formatDuration(speed.ttftMs) : NOTHING,
    ]);
  }
  return drawn;
}

function figureNotes({ models, made, setting }: Comparison): string[] {
  const tokens = models.find(({ speed }) => speed)?.speed?.answerTokens;
  return [
    `Memory: peak of the process, measured. Answer: ${tokens ?? 0} tokens to one question, prompt included; medians of ${setting.repeats}.`,
    ...failures([...models, ...made]),
  ];
}

function failures(models: readonly Compared[]): string[] {
  return models
    .filter(({ failure }) => failure !== null)
    .map(({ label, failure }) => `${label} failed: ${failure}`);
}

function qualityTable(models: readonly Compared[]): Table.Table {
  const hasRight = models.some(({ answers }) => rightAnswers(answers));
  const head = [
    'Model',
    'Perplexity',
    'KL divergence',
    'Same token',
    'Repeats',
    'Words',
    'Differs',
  ];
  const drawn = table([...head, ...(hasRight ? ['Right'] : [])]);
  for (const { label, quality, answers } of models) {
    const right = rightAnswers(answers);
    const [repetition, nWords, difference] = [
      averageOf(answers, (answer) => answer.repetition),
      averageOf(answers, (answer) => answer.nWords),
      averageOf(answers, (answer) => answer.difference),
    ];
    const divergence = quality?.divergence;
    drawn.push([
      label,
      quality ? estimateText(quality.perplexity) : NOTHING,
      divergence ? estimateText(divergence.meanKl, (value) => value.toFixed(3)) : NOTHING,
      divergence ? formatPercent(divergence.sameTop.value) : NOTHING,
      repetition === null ? NOTHING : formatPercent(repetition),
      nWords === null ? NOTHING : nWords.toFixed(0),
      difference === null ? NOTHING : formatPercent(difference),
      ...(hasRight ? [right ? `${right.right} of ${right.of}` : NOTHING] : []),
    ]);
  }
  return drawn;
}

function qualityNotes({ models, made, setting }: Comparison): string[] {
  const [first] = models;
  const { text } = setting;
  return [
    ...(text
      ? [
          `Perplexity, KL divergence and the same likeliest token: as llama-perplexity, on ${text.name} in chunks of ${text.nCtx} tokens, beside ${first?.label}.`,
        ]
      : []),
    `Repeats: 4-word runs that came before in the answer. Differs: words to change to get ${first?.label}'s answer.`,
    ...[...models, ...made]
      .filter(({ noDivergence }) => noDivergence !== null)
      .map(({ label, noDivergence }) => `${label} has no KL divergence: ${noDivergence}.`),
  ];
}

function equalTable({ equalMemory }: Comparison): Table.Table {
  const drawn = table([
    ...['Pruned', 'Memory', 'Perplexity', 'tok/s'],
    ...['Unpruned as', 'Memory', 'Perplexity', 'tok/s'],
  ]);
  for (const { pruned, prunedBytes, type, denseBytes, dense } of equalMemory)
    drawn.push([
      `${pruned.label} (${pruned.file?.fileType ?? NOTHING})`,
      formatMemory(prunedBytes),
      ...measuredCells(pruned),
      type ?? 'none',
      type ? formatMemory(denseBytes) : NOTHING,
      ...measuredCells(dense),
    ]);
  return drawn;
}

function measuredCells(model: Compared | null): string[] {
  return [
    model?.quality ? perplexityText(model.quality.perplexity.value) : NOTHING,
    model?.speed ? rateText(model.speed.tokensPerSecond) : NOTHING,
  ];
}

/** What the table leaves open, as sentences. */
export function equalNotes({ equalMemory, setting }: Comparison): string[] {
  return [
    `Memory: predicted for both sides at ${setting.nCtx} tokens of context; the unpruned model in its largest type that takes no more.`,
    ...equalMemory.flatMap(equalNote),
  ];
}

function equalNote({ pruned, prunedBytes, type, denseBytes, dense }: EqualMemory): string[] {
  if (type === null)
    return [
      `${pruned.label} has no equal: even the smallest type of the unpruned model takes ${formatMemory(denseBytes)}, more than its ${formatMemory(prunedBytes)}.`,
    ];
  if (dense !== null) return [];
  return [
    `The unpruned model as ${type} was not measured: give its GGUF of that type, or --dense-checkpoint.`,
  ];
}

/** Devices that hold every model are in the notes. */
function fitTable(models: readonly Compared[]): Table.Table {
  const fitted = models.filter(({ fits }) => fits.length > 0);
  const drawn = table(['Device', ...fitted.map(({ label }) => label)], fitted.length + 1);
  for (const { device, cells } of devicesOf(fitted))
    if (!cells.every(isFitting))
      drawn.push([device.id, ...cells.map((fit) => (fit ? verdictText(fit) : NOTHING))]);
  return drawn;
}

function fitNotes({ models, setting }: Comparison): string[] {
  const devices = devicesOf(models.filter(({ fits }) => fits.length > 0));
  const holding = devices.filter(({ cells }) => cells.every(isFitting));
  if (devices.length === 0) return [];
  const isAll = holding.length === devices.length;
  const names = isAll
    ? `each of the ${devices.length} devices that hearth knows`
    : holding.map(({ device }) => device.id).join(', ');
  return [
    ...(holding.length > 0 ? [`Every model fits ${names}.`] : []),
    `By prediction, at ${setting.nCtx} tokens of context; hearth fit tells more.`,
  ];
}

function answersText({ models, setting }: Comparison): string[] {
  const { questions } = setting;
  const asked = models.filter(({ answers }) => answers.length > 0);
  if (asked.length === 0) return [];
  const hidden = questions.length - SHOWN_QUESTIONS;
  return [
    ...questions
      .slice(0, SHOWN_QUESTIONS)
      .flatMap(({ text }, index) => [
        `Question: ${text}`,
        ...asked.flatMap(({ label, answers }) => answerLines(label, answers[index]?.text)),
        '',
      ]),
    ...(hidden > 0 ? [`${hidden} more questions are in --json and --report.`, ''] : []),
  ];
}

function answerLines(label: string, text: string | undefined): string[] {
  if (text === undefined) return [];
  return [`  ${label}:`, ...text.split('\n').map((line) => `    ${line}`)];
}
