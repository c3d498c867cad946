// Percentiles and peaks of answers, grouped as the server's own SQL groups them.
// Used where the page shows one model: percentiles are interpolated, as SQLite's percentile() is.
// Values that were not measured are left out; a group without any has null.
import type {
  DashboardAnswerRow,
  DashboardErrorRow,
  DashboardSeriesRow,
  DashboardSummaryRow,
  MaybeNumber,
} from '../../server/dashboard-contract.js';

type Answers = readonly DashboardAnswerRow[];

/** Groups that sort by their name. */
export function summaryOf(
  answers: Answers,
  nameOf: (answer: DashboardAnswerRow) => string,
): DashboardSummaryRow[] {
  const groups = [...groupBy(answers, nameOf)].sort(([a], [b]) => (a < b ? -1 : 1));
  return groups.map(([name, group]) => summaryRow(name, group));
}

/** Buckets of time, oldest first. */
export function seriesOf(answers: Answers, bucketMs: number): DashboardSeriesRow[] {
  const bucketOf = ({ started_at }: DashboardAnswerRow) =>
    Math.floor(Date.parse(started_at) / bucketMs) * bucketMs;
  const groups = [...groupBy(answers, bucketOf)].sort(([a], [b]) => a - b);
  return groups.map(([startMs, group]) => seriesRow(new Date(startMs).toISOString(), group));
}

/** By code, the most frequent first; `answers` are newest first. */
export function errorsOf(answers: Answers): DashboardErrorRow[] {
  const failed = answers.filter(({ error_code }) => error_code !== null);
  const groups = groupBy(failed, ({ error_code }) => error_code ?? '');
  const rows = [...groups].map(([error_code, group]) => ({
    error_code,
    answers: group.length,
    last_at: group[0]?.started_at ?? '',
    last_message: group[0]?.error_message ?? null,
  }));
  return rows.sort((a, b) => b.answers - a.answers);
}

/** Linear between the two nearest values; null of none. */
export function percentile(values: readonly number[], percent: number): MaybeNumber {
  const sorted = [...values].sort((a, b) => a - b);
  const at = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(at)];
  const above = sorted[Math.ceil(at)];
  return below === undefined || above === undefined ? null : below + (above - below) * (at % 1);
}

/** Map.groupBy, which browsers of 2023 lack. */
function groupBy<Key>(
  answers: Answers,
  keyOf: (answer: DashboardAnswerRow) => Key,
): Map<Key, DashboardAnswerRow[]> {
  const groups = new Map<Key, DashboardAnswerRow[]>();
  for (const answer of answers) {
    const group = groups.get(keyOf(answer));
    if (group) group.push(answer);
    else groups.set(keyOf(answer), [answer]);
  }
  return groups;
}

function summaryRow(name: string, group: Answers): DashboardSummaryRow {
  const ttft = measured(group, ({ ttft_ms }) => ttft_ms);
  const speed = measured(group, ({ tokens_per_second }) => tokens_per_second);
  return {
    name,
    ...countsOf(group),
    prompt_tokens: sum(measured(group, ({ prompt_tokens }) => prompt_tokens)),
    generated_tokens: sum(measured(group, ({ generated_tokens }) => generated_tokens)),
    ttft_p50_ms: percentile(ttft, 50),
    ttft_p95_ms: percentile(ttft, 95),
    ttft_p99_ms: percentile(ttft, 99),
    tokens_per_second_p5: percentile(speed, 5),
    tokens_per_second_p50: percentile(speed, 50),
    tokens_per_second_p95: percentile(speed, 95),
    tokens_per_second_p99: percentile(speed, 99),
  };
}

function seriesRow(started_at: string, group: Answers): DashboardSeriesRow {
  const ttft = measured(group, ({ ttft_ms }) => ttft_ms);
  const fill = measured(group, ({ context_used, n_ctx }) =>
    context_used !== null && n_ctx ? context_used / n_ctx : null,
  );
  const speed = measured(group, ({ tokens_per_second }) => tokens_per_second);
  return {
    started_at,
    ...countsOf(group),
    ttft_p50_ms: percentile(ttft, 50),
    ttft_p95_ms: percentile(ttft, 95),
    tokens_per_second_p50: percentile(speed, 50),
    context_fill: greatest(fill),
  };
}

function countsOf(group: Answers) {
  return {
    answers: group.length,
    errors: group.filter(({ error_code }) => error_code !== null).length,
    peak_rss_bytes: greatest(measured(group, ({ peak_rss_bytes }) => peak_rss_bytes)),
    device_peak_bytes: greatest(measured(group, ({ device_peak_bytes }) => device_peak_bytes)),
    dropped_turns: group.reduce((turns, { dropped_turns }) => turns + dropped_turns, 0),
  };
}

function measured(group: Answers, of: (answer: DashboardAnswerRow) => MaybeNumber): number[] {
  return group.map(of).filter((value) => value !== null);
}

function greatest(values: number[]): MaybeNumber {
  return values.length === 0 ? null : Math.max(...values);
}

function sum(values: number[]): MaybeNumber {
  return values.length === 0 ? null : values.reduce((total, value) => total + value, 0);
}
