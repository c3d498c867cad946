// A comparison in a terminal: tables of figures, the equal-memory table, what fits where, the answers.
// Names and answers come from files and models, so whoever prints this makes it printable.
import type { Fit } from '../../devices/fit/fit.js';
import { verdictText } from '../../devices/fit/fit-report.js';
import type { Standing } from '../../model/frontier.js';
import { drawGrid, type TableColumn } from '../../terminal/table.js';
import { formatMemory } from '../../terminal/units.js';
import { BEATEN_NOTE, comparedStandings } from './compared-frontier.js';
import type { Compared, Comparison, EqualMemory } from './comparison.js';
import { type DeviceRow, deviceRows, fittedModels } from './device-rows.js';
import { totalBytes } from './equal-memory.js';
import { FIGURES, type FigureText, NOTHING } from './figure-text.js';
import { costlyTypes, findingOf } from './findings.js';
import { compareText } from './verdict.js';

/** More answers than these are for the report and for --json. */
const SHOWN_QUESTIONS = 3;

export function comparisonText(comparison: Comparison): string {
  const { models } = comparison;
  return [
    ...section('Size, memory and speed', figuresTable(comparison, SIZES), figureNotes(comparison)),
    ...section('Quality', figuresTable(comparison, QUALITIES), qualityNotes(comparison)),
    ...frontierText(comparison),
    ...section('At equal memory', drawGrid(PAIR, comparison.equalMemory), [
      ...comparison.equalMemory.flatMap(findingOf),
      ...equalNotes(comparison),
    ]),
    ...section('What fits where', fitTable(models), fitNotes(comparison)),
    ...answersText(comparison),
  ].join('\n');
}

/** Nothing where there is neither row nor note. */
function section(title: string, table: string, notes: string[]): string[] {
  const lines = [...(table === '' ? [] : [table]), ...notes];
  return lines.length > 0 ? [title, ...lines, ''] : [];
}

const STANDING: TableColumn<Standing<Compared>>[] = [
  { head: 'Model', cell: ({ model }) => model.label },
  {
    head: 'Memory',
    align: 'right',
    cell: ({ model }) => (model.predicted ? formatMemory(totalBytes(model.predicted)) : NOTHING),
  },
  { head: 'Perplexity', align: 'right', cell: ({ model }) => figure(model, FIGURES.perplexity) },
  { head: 'Beaten by', cell: ({ beatenBy }) => beatenBy?.label ?? NOTHING },
];

function frontierText(comparison: Comparison): string[] {
  const standings = comparedStandings(comparison);
  if (standings.length === 0) return [];
  return section('What is worth choosing from', drawGrid(STANDING, standings), [
    BEATEN_NOTE,
    ...costlyTypes(standings.map(({ model }) => model)),
  ]);
}

type FigureColumn = [head: string, text: FigureText];

const SIZES: FigureColumn[] = [
  ['Type', FIGURES.type],
  ['Parameters', FIGURES.parameters],
  ['Kept', FIGURES.kept],
  ['File', FIGURES.file],
  ['Memory', FIGURES.memory],
  ['Answer', FIGURES.answerTime],
  ['tok/s', FIGURES.rate],
  ['TTFT', FIGURES.ttft],
];

const QUALITIES: FigureColumn[] = [
  ['Perplexity', FIGURES.perplexityRange],
  ['KL divergence', FIGURES.divergence],
  ['Same token', FIGURES.sameToken],
  ['Repeats', FIGURES.repetition],
  ['Words', FIGURES.words],
  ['Differs', FIGURES.difference],
  ['Right', FIGURES.right],
];

/** A row a model. Nobody misses right answers where the questions had none. */
function figuresTable({ models, made }: Comparison, figures: FigureColumn[]): string {
  const [all, first] = [[...models, ...made], models[0]];
  const columns = figures
    .filter(([, text]) => text !== FIGURES.right || all.some(FIGURES.right))
    .map(([head, text]): TableColumn<Compared> => {
      const cell = (model: Compared) => text(model, first) ?? NOTHING;
      return text === FIGURES.type ? { head, cell } : { head, cell, align: 'right' };
    });
  return drawGrid([{ head: 'Model', cell: ({ label }) => label }, ...columns], all);
}

function figureNotes({ models, made, setting }: Comparison): string[] {
  const tokens = models.find(({ speed }) => speed)?.speed?.answerTokens;
  return [
    `Memory: peak of the process, measured. Answer: ${tokens ?? 0} tokens to one question, prompt included; medians of ${setting.repeats} rounds in which all models take turns.`,
    ...[...models, ...made].flatMap(({ label, failure }) =>
      failure === null ? [] : [`${label} failed: ${failure}`],
    ),
  ];
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
    ...[...models, ...made].flatMap(({ label, noDivergence }) =>
      noDivergence === null ? [] : [`${label} has no KL divergence: ${noDivergence}.`],
    ),
  ];
}

const PAIR: TableColumn<EqualMemory>[] = [
  { head: 'Pruned', cell: ({ pruned }) => `${pruned.label} (${figure(pruned, FIGURES.type)})` },
  { head: 'Memory', align: 'right', cell: ({ prunedBytes }) => formatMemory(prunedBytes) },
  { head: 'Perplexity', align: 'right', cell: (pair) => textFigure(pair, 'pruned') },
  { head: 'tok/s', align: 'right', cell: ({ pruned }) => figure(pruned, FIGURES.rate) },
  { head: 'Unpruned as', align: 'right', cell: ({ type }) => type ?? 'none' },
  {
    head: 'Memory',
    align: 'right',
    cell: ({ type, denseBytes }) => (type ? formatMemory(denseBytes) : NOTHING),
  },
  { head: 'Perplexity', align: 'right', cell: (pair) => textFigure(pair, 'dense') },
  { head: 'tok/s', align: 'right', cell: ({ dense }) => figure(dense, FIGURES.rate) },
];

function figure(model: Compared | null, text: FigureText): string {
  return (model && text(model, undefined)) ?? NOTHING;
}

/** A star where that side predicts the text better. */
function textFigure({ pruned, dense }: EqualMemory, side: 'pruned' | 'dense'): string {
  const [model, better] = side === 'pruned' ? [pruned, 'first'] : [dense, 'second'];
  const isBetter = compareText(pruned, dense, 'nll')?.less === better;
  return `${isBetter ? '* ' : ''}${figure(model, FIGURES.perplexity)}`;
}

/** What the table leaves open, as sentences. */
export function equalNotes({ equalMemory, setting }: Comparison): string[] {
  return [
    `Memory: predicted for both sides at ${setting.nCtx} tokens of context; the unpruned model in its largest type that takes no more.`,
    ...equalMemory.flatMap(equalNote),
  ];
}

function equalNote({ type, dense }: EqualMemory): string[] {
  if (type === null || dense !== null) return [];
  return [
    `The unpruned model as ${type} was not measured: give its GGUF of that type, or --dense-checkpoint.`,
  ];
}

/** Devices that hold every model are in the notes. */
function fitTable(models: readonly Compared[]): string {
  const verdict = (fit: Fit | undefined) => (fit ? verdictText(fit) : NOTHING);
  const columns = fittedModels(models).map(({ label }, i): TableColumn<DeviceRow> => {
    return { head: label, cell: ({ cells }) => verdict(cells[i]) };
  });
  const rows = deviceRows(models).filter(({ holdsAll }) => !holdsAll);
  return drawGrid([{ head: 'Device', cell: ({ device }) => device.id }, ...columns], rows);
}

function fitNotes({ models, setting }: Comparison): string[] {
  const devices = deviceRows(models);
  const holding = devices.filter(({ holdsAll }) => holdsAll);
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
