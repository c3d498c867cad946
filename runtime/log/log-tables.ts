// How rows of the log look in a terminal: tables, and the line of one answer for `hearth log tail`.
// Cells are made once here, so that the table and the line show an answer alike.
// It asks the log nothing and prints nothing.
import Table from 'cli-table3';
import { inOneLine } from '../../terminal/print.js';
import { formatMemory } from '../../terminal/units.js';
import type { AnswerRow, QueryRow } from './read-rows.js';
import type { SummaryRow } from './summary-rows.js';

type Column<Row> = { head: string; width: number; align?: 'right'; cell: (row: Row) => string };

const ANSWER_COLUMNS: Column<AnswerRow>[] = [
  { head: 'Time', width: 19, cell: (row) => localTime(row.started_at) },
  { head: 'Model', width: 20, cell: (row) => row.model },
  { head: 'Prompt', width: 6, align: 'right', cell: (row) => number(row.prompt_tokens) },
  { head: 'Cached', width: 6, align: 'right', cell: (row) => number(row.cached_tokens) },
  { head: 'Answer', width: 6, align: 'right', cell: (row) => number(row.generated_tokens) },
  { head: 'TTFT', width: 8, align: 'right', cell: (row) => duration(row.ttft_ms) },
  { head: 'tok/s', width: 6, align: 'right', cell: (row) => number(row.tokens_per_second, 1) },
  { head: 'Total', width: 8, align: 'right', cell: (row) => duration(row.total_ms) },
  { head: 'Memory', width: 9, align: 'right', cell: (row) => memory(row.peak_rss_bytes) },
  { head: 'GPU', width: 9, align: 'right', cell: (row) => memory(row.device_peak_bytes) },
  { head: 'End', width: 8, cell: ending },
];

const SUMMARY_COLUMNS: Column<SummaryRow>[] = [
  { head: '', width: 20, cell: (row) => row.name },
  { head: 'Answers', width: 7, align: 'right', cell: (row) => number(row.answers) },
  { head: 'Errors', width: 6, align: 'right', cell: (row) => number(row.errors) },
  { head: 'TTFT p50', width: 8, align: 'right', cell: (row) => duration(row.ttft_p50_ms) },
  { head: 'p95', width: 8, align: 'right', cell: (row) => duration(row.ttft_p95_ms) },
  { head: 'p99', width: 8, align: 'right', cell: (row) => duration(row.ttft_p99_ms) },
  {
    head: 'tok/s p5',
    width: 8,
    align: 'right',
    cell: (row) => number(row.tokens_per_second_p5, 1),
  },
  { head: 'p50', width: 6, align: 'right', cell: (row) => number(row.tokens_per_second_p50, 1) },
  { head: 'p95', width: 6, align: 'right', cell: (row) => number(row.tokens_per_second_p95, 1) },
  { head: 'p99', width: 6, align: 'right', cell: (row) => number(row.tokens_per_second_p99, 1) },
  { head: 'Memory', width: 9, align: 'right', cell: (row) => memory(row.peak_rss_bytes) },
  { head: 'GPU', width: 9, align: 'right', cell: (row) => memory(row.device_peak_bytes) },
];

/** Lines would take the room that a narrow terminal has for columns. */
const NO_BORDERS = {
  ...{ top: '', 'top-left': '', 'top-mid': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-left': '', 'bottom-mid': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '' },
  ...{ right: '', 'right-mid': '', middle: '' },
};

export function answersTable(rows: AnswerRow[]): string {
  return table(ANSWER_COLUMNS, rows);
}

export function summaryTable(rows: SummaryRow[]): string {
  return table(SUMMARY_COLUMNS, rows);
}

/** Rows of any query; the columns are those of the first. */
export function queryTable(rows: QueryRow[]): string {
  const columns = Object.keys(rows[0] ?? {}).map((head): Column<QueryRow> => {
    const isNumber = rows.every((row) => row[head] === null || typeof row[head] === 'number');
    const cell = (row: QueryRow) => String(row[head] ?? '');
    return { head, width: 0, cell, ...(isNumber ? { align: 'right' } : {}) };
  });
  return table(columns, rows);
}

/** The heads over lines of {@link answerLine}. */
export function answerLineHead(): string {
  return line(ANSWER_COLUMNS, ({ head }) => head);
}

/** One answer, in columns that stay where they are from line to line. */
export function answerLine(row: AnswerRow): string {
  return line(ANSWER_COLUMNS, ({ cell }) => cell(row));
}

function table<Row>(columns: Column<Row>[], rows: Row[]): string {
  const shown = columns.filter(({ cell }) => rows.some((row) => cell(row) !== ''));
  const drawn = new Table({
    head: shown.map(({ head }) => head),
    colAligns: shown.map(({ align }) => align ?? 'left'),
    chars: NO_BORDERS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  drawn.push(...rows.map((row) => shown.map(({ cell }) => inOneLine(cell(row)))));
  return drawn.toString().replace(/ +$/gm, '');
}

function line<Row>(columns: Column<Row>[], textOf: (column: Column<Row>) => string): string {
  const cells = columns.map((column) => {
    const text = inOneLine(textOf(column));
    return column.align ? text.padStart(column.width) : text.padEnd(column.width);
  });
  return cells.join('  ').trimEnd();
}

function ending(row: AnswerRow): string {
  const dropped = row.dropped_turns > 0 ? `, ${row.dropped_turns} turns dropped` : '';
  return (row.error_code ?? row.stop_reason ?? '') + dropped;
}

/** `2026-11-24 09:30:00` where the command runs. */
function localTime(utc: string): string {
  return new Date(utc).toLocaleString('sv-SE');
}

function duration(ms: number | null): string {
  if (ms === null) return '';
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function number(value: number | null, digits = 0): string {
  return value === null ? '' : value.toFixed(digits);
}

function memory(sizeBytes: number | null): string {
  return sizeBytes === null ? '' : formatMemory(sizeBytes);
}
