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
import type { DashboardData } from './dashboard-data.js';

export type ChartPoint = { atMs: number; values: MaybeNumber[] };

export type ChartSpec = {
  id: string;
  title: string;
  hint: string;
  kind: 'line' | 'bar';
  series: readonly string[];
  points: (data: DashboardData) => ChartPoint[];
  words: (value: MaybeNumber) => string;
  /** The axis reaches at least so far. */
  atLeast?: number;
  isBytes?: boolean;
  /** Left out where nothing was measured, as on a machine without a sensor. */
  isOptional?: boolean;
};

export const CHARTS: readonly ChartSpec[] = [
  {
    id: 'ttft',
    title: 'Time to first token',
    hint: 'From the arrival of a question to the first word of its answer.',
    kind: 'line',
    series: ['Median', '95 % are faster'],
    points: ofSeries((row) => [row.ttft_p50_ms, row.ttft_p95_ms]),
    words: formatDuration,
  },
  {
    id: 'speed',
    title: 'Speed',
    hint: 'Tokens a second while an answer is written, median.',
    kind: 'line',
    series: ['tok/s'],
    points: ofSeries((row) => [row.tokens_per_second_p50]),
    words: formatRate,
  },
  {
    id: 'memory',
    title: 'Memory',
    hint: 'Used by hearth, by the GPU, and left on the machine.',
    kind: 'line',
    series: ['hearth', 'GPU', 'Left'],
    points: ofSamples((row) => [row.rss_bytes, row.device_used_bytes, row.available_bytes]),
    words: formatBytes,
    isBytes: true,
  },
  {
    id: 'peak',
    title: 'Peak memory of answers',
    hint: 'The highest while answering.',
    kind: 'line',
    series: ['hearth', 'GPU'],
    points: ofSeries((row) => [row.peak_rss_bytes, row.device_peak_bytes]),
    words: formatBytes,
    isBytes: true,
  },
  {
    id: 'context',
    title: 'Context used',
    hint: 'How full the context was at most; full means that turns are cut.',
    kind: 'line',
    series: ['Fullest'],
    points: ofSeries(({ context_fill }) => [context_fill]),
    words: formatPart,
    atLeast: 1,
  },
  {
    id: 'answers',
    title: 'Answers and errors',
    hint: 'How many, in each span of time.',
    kind: 'bar',
    series: ['Answered', 'Failed'],
    points: ofSeries(({ answers, errors }) => [answers - errors, errors]),
    words: formatCount,
    atLeast: 4,
  },
  {
    id: 'temperature',
    title: 'Temperature',
    hint: 'Of the processor and the GPU.',
    kind: 'line',
    series: ['Processor', 'GPU'],
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
