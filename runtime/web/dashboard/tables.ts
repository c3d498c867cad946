// The tables of the dashboard: percentiles by model and by day, errors, the latest answers.

import type { AnswerRow, ErrorRow, SummaryRow } from '../../log/read-rows.js';
import { el } from '../shared/dom.js';
import { formatBytes, formatCount, formatDuration, formatRate } from '../shared/format.js';
import type { DashboardData } from './dashboard-data.js';
import { type DataColumn, dataTable } from './data-table.js';
import { timeWords } from './time-axis.js';

/** All tables, each with its heading; one without rows says so. */
export function tablesOf(data: DashboardData): HTMLElement[] {
  const days = data.byDay.toReversed();
  return [
    section('By model', summaryColumns('Model'), data.byModel),
    section('By day', summaryColumns('Day'), days),
    section('Errors', ERROR_COLUMNS, data.errors, 'No errors in this time.'),
    section('Latest answers', ANSWER_COLUMNS, data.answers),
  ];
}

function section<Row>(
  title: string,
  columns: readonly DataColumn<Row>[],
  rows: readonly Row[],
  nothing = 'No answers in this time.',
): HTMLElement {
  const content =
    rows.length > 0 ? dataTable(title, columns, rows) : el('p', { class: 'nothing' }, nothing);
  return el('section', { class: 'card wide' }, el('h2', {}, title), content);
}

function summaryColumns(title: string): DataColumn<SummaryRow>[] {
  return [
    { title, cell: ({ name }) => name },
    { title: 'Answers', cell: ({ answers }) => formatCount(answers) },
    { title: 'Errors', cell: ({ errors }) => formatCount(errors) },
    { title: 'TTFT p50', cell: ({ ttft_p50_ms }) => formatDuration(ttft_p50_ms) },
    { title: 'TTFT p95', cell: ({ ttft_p95_ms }) => formatDuration(ttft_p95_ms) },
    { title: 'TTFT p99', cell: ({ ttft_p99_ms }) => formatDuration(ttft_p99_ms) },
    { title: 'tok/s p5', cell: (row) => formatRate(row.tokens_per_second_p5) },
    { title: 'tok/s p50', cell: (row) => formatRate(row.tokens_per_second_p50) },
    { title: 'tok/s p95', cell: (row) => formatRate(row.tokens_per_second_p95) },
    { title: 'Memory', cell: ({ peak_rss_bytes }) => formatBytes(peak_rss_bytes) },
    { title: 'GPU memory', cell: ({ device_peak_bytes }) => formatBytes(device_peak_bytes) },
    { title: 'Cut turns', cell: ({ dropped_turns }) => formatCount(dropped_turns) },
  ];
}

const ERROR_COLUMNS: DataColumn<ErrorRow>[] = [
  { title: 'Error', cell: ({ error_code }) => error_code },
  { title: 'Times', cell: ({ answers }) => formatCount(answers) },
  { title: 'Last', cell: ({ last_at }) => timeWords(last_at), isText: true },
  { title: 'What was said', cell: ({ last_message }) => last_message ?? '–', isText: true },
];

const ANSWER_COLUMNS: DataColumn<AnswerRow>[] = [
  { title: 'Time', cell: ({ started_at }) => timeWords(started_at) },
  { title: 'Model', cell: ({ model }) => model, isText: true },
  { title: 'Result', cell: (row) => row.error_code ?? row.stop_reason ?? '–', isText: true },
  { title: 'Prompt', cell: ({ prompt_tokens }) => formatCount(prompt_tokens) },
  { title: 'Cached', cell: ({ cached_tokens }) => formatCount(cached_tokens) },
  { title: 'Answer', cell: ({ generated_tokens }) => formatCount(generated_tokens) },
  { title: 'TTFT', cell: ({ ttft_ms }) => formatDuration(ttft_ms) },
  { title: 'tok/s', cell: (row) => formatRate(row.tokens_per_second) },
  { title: 'Total', cell: ({ total_ms }) => formatDuration(total_ms) },
  { title: 'Context', cell: contextWords },
  { title: 'Memory', cell: ({ peak_rss_bytes }) => formatBytes(peak_rss_bytes) },
];

function contextWords({ context_used, n_ctx }: AnswerRow): string {
  return `${formatCount(context_used)} / ${formatCount(n_ctx)}`;
}
