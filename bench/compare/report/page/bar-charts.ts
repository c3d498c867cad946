// Bars that lie, one a model, so that names have room on a phone; each has its figure behind its end.
// Colours by themselves say nothing, for eyes that do not tell them apart.
import { Chart, type ChartConfiguration, type ChartDataset } from 'chart.js';
import type { ChartModel } from '../chart-data.js';
import {
  colourOf,
  duration,
  figure,
  legend,
  memory,
  percent,
  shared,
  valueAxis,
  type Words,
} from './chart-look.js';

type Series = {
  label: string;
  /** Null for each model's own. */
  colour: string | null;
  read: (model: ChartModel) => number | null;
};
export type BarSpec = { id: string; series: Series[]; words: Words; most?: number };

export const BARS: readonly BarSpec[] = [
  {
    id: 'speed',
    series: [{ label: 'Speed', colour: null, read: (m) => m.tokensPerSecond }],
    words: (value) => `${figure(value)} tok/s`,
  },
  {
    id: 'time',
    series: [
      { label: 'Until the first token', colour: '--series-3', read: (m) => m.ttftMs },
      { label: 'Writing', colour: '--ember', read: (m) => m.generationMs },
    ],
    words: duration,
  },
  {
    id: 'memory',
    series: [
      { label: 'Weights', colour: '--ember', read: (m) => m.memory?.weights ?? null },
      { label: 'KV cache', colour: '--series-2', read: (m) => m.memory?.kv ?? null },
      { label: 'Buffers', colour: '--series-3', read: (m) => m.memory?.compute ?? null },
      {
        label: 'Rest of the process',
        colour: '--line-strong',
        read: (m) => m.memory?.process || null,
      },
    ],
    words: memory,
  },
  {
    id: 'agreement',
    series: [{ label: 'Same token', colour: null, read: (m) => m.sameTop }],
    words: percent,
    most: 1,
  },
  {
    id: 'repetition',
    series: [{ label: 'Repeated', colour: null, read: (m) => m.repetition }],
    words: percent,
    most: 1,
  },
];

export function barChart(
  { series, words, most }: BarSpec,
  models: ChartModel[],
): ChartConfiguration<'bar'> {
  const isStacked = series.length > 1;
  const labels = models.map(({ label }) => label);
  return {
    type: 'bar',
    data: {
      labels,
      datasets: series
        .filter(({ read }) => models.some((model) => read(model) !== null))
        .map((one) => barDataset(one, models)),
    },
    options: {
      ...shared(),
      indexAxis: 'y',
      interaction: { mode: 'index', axis: 'y', intersect: false },
      scales: {
        x: { ...valueAxis(words), stacked: isStacked, ...(most !== undefined && { max: most }) },
        y: { ...nameAxis(), stacked: isStacked },
      },
      plugins: {
        legend: legend(isStacked),
        tooltip: {
          callbacks: {
            label: (item) =>
              item.parsed.x === null ? '' : ` ${item.dataset.label}: ${words(item.parsed.x)}`,
          },
        },
      },
    },
    plugins: [valueLabels(words)],
  };
}

function barDataset({ label, read, colour }: Series, models: ChartModel[]): ChartDataset<'bar'> {
  const ownColour = ({ isUnpruned }: ChartModel) => colourOf(isUnpruned ? '--series-2' : '--ember');
  return {
    label,
    data: models.map(read),
    backgroundColor: colour ? colourOf(colour) : models.map(ownColour),
    borderRadius: 4,
    maxBarThickness: 22,
    borderSkipped: 'start',
  };
}

/** The sum of each bar behind its end, so that nothing has to be read off an axis. */
function valueLabels(words: Words) {
  return {
    id: 'valueLabels',
    afterDatasetsDraw(chart: Chart) {
      const { ctx, data } = chart;
      ctx.save();
      ctx.fillStyle = colourOf('--ink');
      ctx.font = `600 ${Chart.defaults.font.size}px ${Chart.defaults.font.family}`;
      ctx.textBaseline = 'middle';
      for (const [i] of (data.labels ?? []).entries()) {
        const values = data.datasets.map((set) => set.data[i] as number | null);
        const ends = data.datasets.map((_, at) => chart.getDatasetMeta(at).data[i]);
        const last = ends.at(-1);
        if (!last || values.every((value) => value === null)) continue;
        const sum = values.reduce<number>((total, value) => total + (value ?? 0), 0);
        const right = Math.max(...ends.map((end) => (Number.isFinite(end?.x) ? (end?.x ?? 0) : 0)));
        ctx.fillText(words(sum), right + 6, last.y);
      }
      ctx.restore();
    },
  };
}

type NamedScale = { chart: { width: number }; getLabelForValue(value: number): string };

function nameAxis() {
  return {
    grid: { display: false },
    border: { color: colourOf('--line') },
    ticks: {
      color: colourOf('--ink'),
      autoSkip: false,
      callback(this: NamedScale, value: string | number) {
        return wrap(this.getLabelForValue(Number(value)), this.chart.width < 460 ? 14 : 24);
      },
    },
  };
}

/** In at most two lines; names of files have no spaces to break at. */
function wrap(name: string, most: number): string | string[] {
  if (name.length <= most) return name;
  const at = Math.max(name.lastIndexOf('-', most - 1), name.lastIndexOf(' ', most - 1));
  const cut = at > 4 ? at + 1 : most;
  const rest = name.slice(cut);
  return [name.slice(0, cut), rest.length > most ? `${rest.slice(0, most - 1)}…` : rest];
}
