// Quality over memory: a line of the unpruned model's types and one of the pruned models, so that whichever
// is lower at a memory is the better use of it. Each point has its name.
import { Chart, type ChartConfiguration, type ChartDataset } from 'chart.js';
import type { ChartModel } from '../chart-data.js';
import { axisTitle, colourOf, figure, legend, memory, shared, valueAxis } from './chart-look.js';

export function tradeChart(models: ChartModel[]): ChartConfiguration<'scatter'> {
  const known = models.filter(
    ({ predicted, perplexity }) => predicted !== null && perplexity !== null,
  );
  const values = known.map(({ perplexity }) => perplexity as number);
  const isWide = Math.max(...values) > 8 * Math.min(...values);
  const datasets = [
    tradeLine(
      'Unpruned, in its types',
      '--series-2',
      known.filter((m) => m.isUnpruned),
    ),
    tradeLine(
      'Pruned',
      '--ember',
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
  const isUnpruned = data[0]?.isUnpruned ?? false;
  return {
    label,
    data,
    pointStyle: isUnpruned ? 'rectRot' : 'circle',
    showLine: true,
    borderWidth: 2,
    borderDash: isUnpruned ? [6, 4] : [],
    pointRadius: 6,
    pointHoverRadius: 8,
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
