// The tables of the dashboard: percentiles by model and by day, errors; answers-table.ts has the answers.
import type { ErrorRow, SummaryRow } from '../../log/read-rows.js';
import { el } from '../shared/dom.js';
import { formatBytes, formatCount, formatDuration, formatRate } from '../shared/format.js';
import { texts } from '../texts/texts.js';
import type { DashboardData } from './dashboard-data.js';
import { type DataColumn, dataTable } from './data-table.js';
import { timeWords } from './time-axis.js';

/** All tables, each with its heading; one without rows says so. */
export function tablesOf(data: DashboardData): HTMLElement[] {
  const words = texts.tables;
  const days = data.byDay.toReversed();
  return [
    section(words.byModel, summaryColumns(words.model), data.byModel, words.noAnswers),
    section(words.byDay, summaryColumns(words.day), days, words.noAnswers),
    section(words.errors, errorColumns(), data.errors, words.noErrors),
  ];
}

function section<Row>(
  title: string,
  columns: readonly DataColumn<Row>[],
  rows: readonly Row[],
  nothing: string,
): HTMLElement {
  const content =
    rows.length > 0 ? dataTable(title, columns, rows) : el('p', { class: 'nothing' }, nothing);
  return el('section', { class: 'card wide' }, el('h2', {}, title), content);
}

function summaryColumns(title: string): DataColumn<SummaryRow>[] {
  const words = texts.tables;
  return [
    { title, cell: ({ name }) => name },
    { title: words.answerCount, cell: ({ answers }) => formatCount(answers) },
    { title: words.errors, cell: ({ errors }) => formatCount(errors) },
    { title: 'TTFT p50', cell: ({ ttft_p50_ms }) => formatDuration(ttft_p50_ms) },
    { title: 'TTFT p95', cell: ({ ttft_p95_ms }) => formatDuration(ttft_p95_ms) },
    { title: 'TTFT p99', cell: ({ ttft_p99_ms }) => formatDuration(ttft_p99_ms) },
    { title: 'tok/s p5', cell: (row) => formatRate(row.tokens_per_second_p5) },
    { title: 'tok/s p50', cell: (row) => formatRate(row.tokens_per_second_p50) },
    { title: 'tok/s p95', cell: (row) => formatRate(row.tokens_per_second_p95) },
    { title: words.memory, cell: ({ peak_rss_bytes }) => formatBytes(peak_rss_bytes) },
    { title: words.gpuMemory, cell: ({ device_peak_bytes }) => formatBytes(device_peak_bytes) },
    { title: words.cut, cell: ({ dropped_turns }) => formatCount(dropped_turns) },
  ];
}

function errorColumns(): DataColumn<ErrorRow>[] {
  const words = texts.tables;
  return [
    { title: words.error, cell: ({ error_code }) => error_code },
    { title: words.times, cell: ({ answers }) => formatCount(answers) },
    { title: words.last, cell: ({ last_at }) => timeWords(last_at), isText: true },
    { title: words.said, cell: ({ last_message }) => last_message ?? '–', isText: true },
  ];
}
