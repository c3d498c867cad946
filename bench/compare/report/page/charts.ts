// The report's charts: bars that lie, so that names of models have room on a phone, and the line of
// quality over memory. Colours are the page's own, each bar has its figure and each point its name, for
// eyes that do not tell colours apart. No animation.
import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  type ChartConfiguration,
  type ChartDataset,
  Legend,
  LinearScale,
  LineElement,
  LogarithmicScale,
  PointElement,
  ScatterController,
  Tooltip,
} from 'chart.js';
import type { ChartData, ChartModel } from '../chart-data.js';

Chart.register(BarController, BarElement, CategoryScale, LinearScale, LogarithmicScale);
Chart.register(LineElement, PointElement, ScatterController, Legend, Tooltip);

type Words = (value: number) => string;
type Series = {
  label: string;
  /** Null for each model's own. */
  colour: string | null;
  read: (model: ChartModel) => number | null;
};
type BarSpec = { id: string; series: Series[]; words: Words; most?: number };

const BARS: readonly BarSpec[] = [
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

const ROW_PX = 40;
const TRADE_PX = 320;

/** Draws each chart that the page has a place for. */
export function drawCharts(data: ChartData, { isPrinting }: { isPrinting: boolean }): Chart[] {
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = isPrinting ? 10 : 12;
  // Paper shows more points an inch than most screens.
  Chart.defaults.devicePixelRatio = isPrinting ? 3 : window.devicePixelRatio;
  const bars = BARS.flatMap((spec) => {
    const measured = data.models.filter((m) => spec.series.some(({ read }) => read(m) !== null));
    const canvas = placeOf(spec.id, 64 + ROW_PX * measured.length);
    return canvas ? [new Chart(canvas, barChart(spec, measured)) as unknown as Chart] : [];
  });
  const trade = placeOf('trade', TRADE_PX);
  return trade ? [...bars, new Chart(trade, tradeChart(data.models)) as unknown as Chart] : bars;
}

/** `heightPx` is that of the plot. */
function placeOf(id: string, heightPx: number): HTMLCanvasElement | null {
  const figure = document.getElementById(`chart-${id}`);
  const plot = figure?.querySelector<HTMLElement>('.plot');
  if (!figure || !plot) return null;
  figure.hidden = false;
  plot.style.height = `${heightPx}px`;
  return plot.querySelector('canvas');
}

function barChart(
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

function tradeChart(models: ChartModel[]): ChartConfiguration<'scatter'> {
  const known = models.filter(
    ({ predicted, perplexity }) => predicted !== null && perplexity !== null,
  );
  const values = known.map(({ perplexity }) => perplexity as number);
  const isWide = Math.max(...values) > 8 * Math.min(...values);
  const datasets = [
    tradeLine(
      'Unpruned, in its types',
      '--series-2',
      'rectRot',
      known.filter((m) => m.isUnpruned),
    ),
    tradeLine(
      'Pruned',
      '--ember',
      'circle',
      known.filter((m) => !m.isUnpruned),
    ),
  ].filter(({ data }) => data.length > 0);
  return {
    type: 'scatter',
    data: { datasets },
    options: {
      ...shared(),
      layout: { padding: { top: 18, right: 24 } },
      scales: {
        x: {
          ...valueAxis(memory),
          title: axisTitle('Memory, predicted'),
          grace: '20%',
          beginAtZero: false,
        },
        y: {
          ...valueAxis((value) => figure(value)),
          type: isWide ? ('logarithmic' as const) : ('linear' as const),
          title: axisTitle('Perplexity'),
          grid: { color: colourOf('--line') },
          grace: '15%',
          beginAtZero: false,
        },
      },
      plugins: {
        legend: legend(true),
        tooltip: {
          callbacks: {
            label: ({ raw }) => {
              const { x, y, model } = raw as TradePoint;
              return ` ${model}: perplexity ${figure(y)} in ${memory(x)}`;
            },
          },
        },
      },
    },
    plugins: [pointNames],
  };
}

type TradePoint = { x: number; y: number; model: string; isUnpruned: boolean };

function tradeLine(
  label: string,
  colour: string,
  pointStyle: 'circle' | 'rectRot',
  models: ChartModel[],
): ChartDataset<'scatter', TradePoint[]> {
  const data = models
    .map(({ predicted, perplexity, isUnpruned, label: model }) => ({
      x: predicted as number,
      y: perplexity as number,
      model,
      isUnpruned,
    }))
    .sort((a, b) => a.x - b.x);
  return {
    ...{ label, data, pointStyle, showLine: true, borderWidth: 2, pointRadius: 6 },
    ...{ pointHoverRadius: 8, borderDash: pointStyle === 'circle' ? [] : [6, 4] },
    borderColor: colourOf(colour),
    backgroundColor: colourOf(colour),
  };
}

/** Pruned models' names left of their points, the others' right: equal memory puts them one above the other. */
const pointNames = {
  id: 'pointNames',
  afterDatasetsDraw(chart: Chart) {
    const { ctx, chartArea } = chart;
    ctx.save();
    ctx.font = `600 ${Chart.defaults.font.size}px ${Chart.defaults.font.family}`;
    ctx.textBaseline = 'middle';
    ctx.lineJoin = 'round';
    ctx.lineWidth = 4;
    ctx.strokeStyle = colourOf('--surface');
    for (const [at, { data, borderColor }] of chart.data.datasets.entries())
      for (const [i, { model, isUnpruned }] of (data as unknown as TradePoint[]).entries()) {
        const point = chart.getDatasetMeta(at).data[i];
        if (!point) continue;
        const { width } = ctx.measureText(model);
        const x = isUnpruned ? point.x + 12 : point.x - 12 - width;
        const isInside = x >= chartArea.left && x + width <= chart.width;
        const inside = Math.min(Math.max(x, chartArea.left + 4), chart.width - width);
        const y = isInside ? point.y : point.y - 16;
        ctx.strokeText(model, isInside ? x : inside, y);
        ctx.fillStyle = String(borderColor);
        ctx.fillText(model, isInside ? x : inside, y);
      }
    ctx.restore();
  },
};

function shared() {
  return {
    animation: false as const,
    maintainAspectRatio: false,
    layout: { padding: { right: 78 } },
  };
}

function valueAxis(words: Words) {
  return {
    beginAtZero: true,
    grid: { color: colourOf('--line') },
    border: { display: false },
    ticks: {
      color: colourOf('--ink-soft'),
      maxTicksLimit: 5,
      maxRotation: 0,
      callback: (value: string | number) => words(Number(value)),
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

function axisTitle(text: string) {
  return { display: true, text, color: colourOf('--ink-soft') };
}

function legend(isShown: boolean) {
  const labels = {
    color: colourOf('--ink-soft'),
    padding: 12,
    boxHeight: 10,
    boxWidth: 10,
    usePointStyle: true,
  };
  return { display: isShown, align: 'start' as const, labels };
}

function figure(value: number): string {
  return new Intl.NumberFormat('en', { maximumSignificantDigits: value < 1000 ? 3 : 4 }).format(
    value,
  );
}

function duration(ms: number): string {
  return ms < 1000 ? `${figure(ms)} ms` : `${figure(ms / 1000)} s`;
}

function memory(mib: number): string {
  return mib >= 1024 ? `${figure(mib / 1024)} GiB` : `${figure(mib)} MiB`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

/** A colour of the style sheet in the theme in effect. */
function colourOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
