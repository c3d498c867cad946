// The charts of the dashboard, as a table: which values, in which words.
// Memory while nobody asks comes from the samples; all else from the answers.
import type { MaybeNumber } from '../../log/read-rows.js';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPart,
  formatRate,
} from '../shared/format.js';
import { texts } from '../texts/texts.js';
import type { DashboardData } from './dashboard-data.js';

export type ChartPoint = { atMs: number; values: MaybeNumber[] };

export type ChartSpec = {
  /** Also the name of its texts: title, hint and series. */
  id: 'ttft' | 'speed' | 'memory' | 'peak' | 'context' | 'answers' | 'temperature';
  kind: 'line' | 'bar';
  points: (data: DashboardData) => ChartPoint[];
  words: (value: MaybeNumber) => string;
  /** The axis reaches at least so far. */
  atLeast?: number;
  isBytes?: boolean;
  /** Left out where nothing was measured, as on a machine without a sensor. */
  isOptional?: boolean;
};

export function seriesOf({ id }: ChartSpec): string[] {
  return texts.charts[id].series;
}

export const CHARTS: readonly ChartSpec[] = [
  {
    id: 'ttft',
    kind: 'line',
    points: ofSeries((row) => [row.ttft_p50_ms, row.ttft_p95_ms]),
    words: formatDuration,
  },
  {
    id: 'speed',
    kind: 'line',
    points: ofSeries((row) => [row.tokens_per_second_p50]),
    words: formatRate,
  },
  {
    id: 'memory',
    kind: 'line',
    points: ofSamples((row) => [row.rss_bytes, row.device_used_bytes, row.available_bytes]),
    words: formatBytes,
    isBytes: true,
  },
  {
    id: 'peak',
    kind: 'line',
    points: ofSeries((row) => [row.peak_rss_bytes, row.device_peak_bytes]),
    words: formatBytes,
    isBytes: true,
  },
  {
    id: 'context',
    kind: 'line',
    points: ofSeries(({ context_fill }) => [context_fill]),
    words: formatPart,
    atLeast: 1,
  },
  {
    id: 'answers',
    kind: 'bar',
    points: ofSeries(({ answers, errors }) => [answers - errors, errors]),
    words: formatCount,
    atLeast: 4,
  },
  {
    id: 'temperature',
    kind: 'line',
    points: ofSamples((row) => [row.cpu_temperature_c, row.device_temperature_c]),
    words: (value) => (value === null ? '–' : `${Math.round(value)} °C`),
    isOptional: true,
  },
];

function ofSeries(values: (row: DashboardData['series'][number]) => MaybeNumber[]) {
  return ({ series }: DashboardData): ChartPoint[] =>
    series.map((row) => ({ atMs: Date.parse(row.started_at), values: values(row) }));
}

function ofSamples(values: (row: DashboardData['samples'][number]) => MaybeNumber[]) {
  return ({ samples }: DashboardData): ChartPoint[] =>
    samples.map((row) => ({ atMs: Date.parse(row.taken_at), values: values(row) }));
}
