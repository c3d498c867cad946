// How the charts look and read: the page's own colours, axes of time, no animation.
// Series differ in their dashes too, for eyes that do not tell colours apart.
import {
  BarController,
  BarElement,
  Chart,
  type ChartConfiguration,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from 'chart.js';
import { type ChartPoint, type ChartSpec, seriesOf } from './chart-specs.js';
import { tickWords, timeTicks, timeWords } from './time-axis.js';

Chart.register(BarController, BarElement, LineController, LineElement, PointElement);
Chart.register(Filler, Legend, LinearScale, Tooltip);

export type ChartSpan = { fromMs: number; toMs: number; bucketMs: number };

type Configuration = ChartConfiguration<'line' | 'bar', { x: number; y: number | null }[]>;

const SERIES_COLOURS = ['--ember', '--series-2', '--series-3'];
/** What was well, and what failed. */
const BAR_COLOURS = ['--series-2', '--bad'];
const BAR_STYLE = { borderRadius: 3, maxBarThickness: 18 };
const DASHES = [[], [6, 4], [2, 3]];
/** More points than these are drawn only as a line. */
const FEW_POINTS = 40;

export function chartConfiguration(
  spec: ChartSpec,
  points: ChartPoint[],
  span: ChartSpan,
): Configuration {
  return {
    type: spec.kind,
    data: { datasets: seriesOf(spec).flatMap((_, at) => dataset(spec, points, span, at)) },
    options: {
      animation: false,
      maintainAspectRatio: false,
      parsing: false,
      normalized: true,
      interaction: { mode: 'index', intersect: false },
      scales: { x: timeScale(span, spec), y: valueScale(spec, points) },
      plugins: { legend: legend(spec), tooltip: tooltip(spec) },
    },
  };
}

/** None where the series was never measured, such as a GPU that is not there. */
function dataset(spec: ChartSpec, points: ChartPoint[], { bucketMs }: ChartSpan, at: number) {
  if (points.every(({ values }) => values[at] === null)) return [];
  const colours = spec.kind === 'bar' ? BAR_COLOURS : SERIES_COLOURS;
  const colour = colourOf(colours[at] ?? '--ink');
  return {
    label: seriesOf(spec)[at] ?? '',
    data: points.map(({ atMs, values }) => ({ x: atMs, y: values[at] ?? null })),
    borderColor: colour,
    backgroundColor: spec.kind === 'bar' ? colour : `${colour}1f`,
    ...(spec.kind === 'bar' ? BAR_STYLE : lineStyle(at, points.length, bucketMs)),
    fill: seriesOf(spec).length === 1,
  };
}

function lineStyle(at: number, count: number, bucketMs: number) {
  return {
    borderWidth: 2,
    borderDash: DASHES[at] ?? [],
    pointRadius: count < FEW_POINTS ? 2.5 : 0,
    pointHitRadius: 12,
    spanGaps: bucketMs * 4,
    cubicInterpolationMode: 'monotone' as const,
  };
}

function timeScale({ fromMs, toMs }: ChartSpan, { kind }: ChartSpec) {
  return {
    type: 'linear' as const,
    stacked: kind === 'bar',
    offset: false,
    min: fromMs,
    max: toMs,
    grid: { display: false },
    border: { color: colourOf('--line') },
    afterBuildTicks: (axis: { ticks: { value: number }[]; chart: { width: number } }) => {
      const most = Math.max(3, Math.floor(axis.chart.width / 85));
      axis.ticks = timeTicks(fromMs, toMs, most).map((value) => ({ value }));
    },
    ticks: {
      color: colourOf('--ink-soft'),
      maxRotation: 0,
      autoSkip: false,
      callback: (value: string | number) => tickWords(Number(value)),
    },
  };
}

function valueScale({ kind, words, atLeast, isBytes }: ChartSpec, points: ChartPoint[]) {
  return {
    type: 'linear' as const,
    stacked: kind === 'bar',
    beginAtZero: true,
    ...(atLeast === undefined ? {} : { suggestedMax: atLeast }),
    grid: { color: colourOf('--line') },
    border: { display: false },
    ticks: {
      color: colourOf('--ink-soft'),
      maxTicksLimit: 5,
      callback: (value: string | number) => words(Number(value)),
      ...(kind === 'bar' ? { precision: 0 } : {}),
      ...(isBytes ? { stepSize: binaryStep(points) } : {}),
    },
  };
}

/** A power of two, so that an axis of memory shows round MiB and GiB. */
function binaryStep(points: ChartPoint[]): number {
  const values = points.flatMap((point) => point.values.map((value) => value ?? 0));
  return 2 ** Math.ceil(Math.log2(Math.max(1, ...values) / 4));
}

function legend(spec: ChartSpec) {
  const { kind } = spec;
  const box = kind === 'bar' ? { boxHeight: 10, boxWidth: 10 } : { boxHeight: 0, boxWidth: 22 };
  const labels = { color: colourOf('--ink-soft'), padding: 12, ...box };
  return { display: seriesOf(spec).length > 1, align: 'start' as const, labels };
}

function tooltip({ words }: ChartSpec) {
  return {
    callbacks: {
      title: (items: { parsed: { x: number | null } }[]) => timeWords(items[0]?.parsed.x ?? 0),
      label: (item: { dataset: { label?: string | undefined }; parsed: { y: number | null } }) =>
        ` ${item.dataset.label}: ${words(item.parsed.y)}`,
    },
  };
}

/** A colour of the style sheet in the theme in effect. */
function colourOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
