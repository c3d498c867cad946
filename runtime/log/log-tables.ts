// How rows of the log look in a terminal: tables, and the line of one answer for `hearth log tail`.
// Cells are made once here, so that the table and the line show an answer alike.
import { inOneLine } from '../../terminal/foreign-text.js';
import { drawTable, type TableColumn } from '../../terminal/table.js';
import { formatDuration, formatMemory } from '../../terminal/units.js';
import type { QueryRow } from './log-reader.js';
import type { AnswerRow, SummaryRow } from './read-rows.js';

type LineColumn<Row> = TableColumn<Row> & { width: number };

/** Within 80 columns; --json has the rest. */
export const ANSWER_COLUMNS: LineColumn<AnswerRow>[] = [
  { head: 'Time', width: 11, cell: (row) => localTime(row.started_at) },
  { head: 'Model', width: 16, cell: (row) => shortened(row.model_id, 16) },
  { head: 'Type', width: 4, cell: (row) => row.model_type ?? '' },
  { head: 'Tokens', width: 8, align: 'right', cell: tokens },
  { head: 'TTFT', width: 6, align: 'right', cell: (row) => duration(row.ttft_ms) },
  { head: 'tok/s', width: 5, align: 'right', cell: (row) => rate(row.tokens_per_second) },
  { head: 'Memory', width: 8, align: 'right', cell: (row) => memory(mostBytes(row)) },
  { head: 'End', width: 8, cell: ending },
];

export const SUMMARY_COLUMNS: LineColumn<SummaryRow>[] = [
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

/** Of the prompt and of the answer. */
function tokens({ prompt_tokens, generated_tokens }: AnswerRow): string {
  if (prompt_tokens === null && generated_tokens === null) return '';
  return `${number(prompt_tokens)}+${number(generated_tokens)}`;
}

/** Process and GPU together. */
function mostBytes({ peak_rss_bytes, device_peak_bytes }: AnswerRow): number | null {
  return peak_rss_bytes === null ? device_peak_bytes : peak_rss_bytes + (device_peak_bytes ?? 0);
}

function rate(tokensPerSecond: number | null): string {
  return number(tokensPerSecond, (tokensPerSecond ?? 0) < 100 ? 1 : 0);
}

/** The end of a name tells the type. */
function shortened(text: string, width: number): string {
  return text.length > width ? `…${text.slice(1 - width)}` : text;
}

/** Rows of any query; the columns are those of the first. */
export function queryTable(rows: QueryRow[]): string {
  const columns = Object.keys(rows[0] ?? {}).map((head): TableColumn<QueryRow> => {
    const isNumber = rows.every((row) => row[head] === null || typeof row[head] === 'number');
    const cell = (row: QueryRow) => String(row[head] ?? '');
    return { head, cell, ...(isNumber ? { align: 'right' } : {}) };
  });
  return drawTable(columns, rows);
}

export function answerLineHead(): string {
  return line(ANSWER_COLUMNS, ({ head }) => head);
}

/** One answer, in columns that stay where they are from line to line. */
export function answerLine(row: AnswerRow): string {
  return line(ANSWER_COLUMNS, ({ cell }) => cell(row));
}

function line<Row>(
  columns: LineColumn<Row>[],
  textOf: (column: LineColumn<Row>) => string,
): string {
  const cells = columns.map((column) => {
    const text = inOneLine(textOf(column));
    return column.align ? text.padStart(column.width) : text.padEnd(column.width);
  });
  return cells.join('  ').trimEnd();
}

/** Without the word that all codes begin with. */
function ending(row: AnswerRow): string {
  const dropped = row.dropped_turns > 0 ? `, -${row.dropped_turns} turns` : '';
  const code = row.error_code
    ?.replace(/^HEARTH_/, '')
    .toLowerCase()
    .replaceAll('_', '-');
  return (code ?? row.stop_reason ?? '') + dropped;
}

/** `09:30:00` of today and `11-24 09:30` of other days, where the command runs. */
function localTime(utc: string): string {
  const [day = '', time = ''] = new Date(utc).toLocaleString('sv-SE').split(' ');
  const [today] = new Date().toLocaleString('sv-SE').split(' ');
  return day === today ? time : `${day.slice(5)} ${time.slice(0, 5)}`;
}

function duration(ms: number | null): string {
  return ms === null ? '' : formatDuration(ms);
}

function number(value: number | null, digits = 0): string {
  return value === null ? '' : value.toFixed(digits);
}

function memory(sizeBytes: number | null): string {
  return sizeBytes === null ? '' : formatMemory(sizeBytes);
}
