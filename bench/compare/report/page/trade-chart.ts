// Quality over memory: a point a model, with its name. A line joins those that nothing beats in both, the
// frontier; what is beaten is hollow, so that it shows without colours, too.
import { Chart, type ChartConfiguration, type ChartDataset } from 'chart.js';
import type { ChartModel } from '../chart-data.js';
import { axisTitle, colourOf, figure, legend, memory, shared, valueAxis } from './chart-look.js';

/** Above and below the points, as a factor. */
const ROOM = 1.2;

export function tradeChart(models: ChartModel[]): ChartConfiguration<'scatter'> {
  const known = models.filter(
    ({ predicted, perplexity }) => predicted !== null && perplexity !== null,
  );
  const values = known.map(({ perplexity }) => perplexity as number);
  const datasets = [
    tradePoints(
      'Unpruned, in its types',
      '--series-2',
      known.filter((m) => m.isUnpruned),
    ),
    tradePoints(
      'Pruned',
      '--ember',
      known.filter((m) => !m.isUnpruned),
    ),
    frontierLine(known.filter((m) => m.isBeaten === false)),
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
          // A model that is lost would squeeze those that a user chooses from into one line.
          type: 'logarithmic' as const,
          min: Math.min(...values) / ROOM,
          max: Math.max(...values) * ROOM,
          title: axisTitle('Perplexity, logarithmic'),
          grid: { color: colourOf('--line') },
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

function pointOf({ predicted, perplexity, isUnpruned, label: model }: ChartModel): TradePoint {
  return { x: predicted as number, y: perplexity as number, model, isUnpruned };
}

function tradePoints(
  label: string,
  colour: string,
  models: ChartModel[],
): ChartDataset<'scatter', TradePoint[]> {
  const inside = ({ isBeaten }: ChartModel) => colourOf(isBeaten ? '--surface' : colour);
  return {
    label,
    data: models.map(pointOf),
    pointStyle: models[0]?.isUnpruned ? 'rectRot' : 'circle',
    borderWidth: 2,
    pointRadius: 6,
    pointHoverRadius: 8,
    borderColor: colourOf(colour),
    backgroundColor: colourOf(colour),
    pointBackgroundColor: models.map(inside),
  };
}

/** What can be had in so much memory: nothing better until the next point. */
function frontierLine(models: ChartModel[]): ChartDataset<'scatter', TradePoint[]> {
  return {
    label: 'Worth choosing from',
    data: models.map(pointOf).sort((a, b) => a.x - b.x),
    pointStyle: 'line',
    showLine: true,
    stepped: 'before',
    pointRadius: 0,
    pointHoverRadius: 0,
    pointHitRadius: 0,
    borderWidth: 1.5,
    borderDash: [6, 4],
    borderColor: colourOf('--ink-soft'),
    backgroundColor: colourOf('--ink-soft'),
  };
}

type Box = { left: number; top: number; right: number; bottom: number };

/** Of a name's box beside its point, in px. */
const LINE = 16;
const GAP = 12;
const POINT = 7;

/** Each name where it covers no other and no point: beside its point, else above or below it. */
const pointNames = {
  id: 'pointNames',
  afterDatasetsDraw(chart: Chart) {
    const { ctx } = chart;
    ctx.save();
    ctx.font = `600 ${Chart.defaults.font.size}px ${Chart.defaults.font.family}`;
    ctx.textBaseline = 'middle';
    ctx.lineJoin = 'round';
    ctx.lineWidth = 4;
    ctx.strokeStyle = colourOf('--surface');
    const taken = chart.data.datasets.flatMap((_, at) =>
      chart.getDatasetMeta(at).data.map(boxOfPoint),
    );
    for (const [at, { data, borderColor, showLine }] of (
      chart.data.datasets as ChartDataset<'scatter'>[]
    ).entries()) {
      if (showLine) continue;
      for (const [i, { model, isUnpruned }] of (data as unknown as TradePoint[]).entries()) {
        const point = chart.getDatasetMeta(at).data[i];
        if (!point) continue;
        const places = placesOf(point, ctx.measureText(model).width, isUnpruned);
        const place = places.find((box) => isFree(box, taken, chart)) ?? (places[0] as Box);
        taken.push(place);
        const y = (place.top + place.bottom) / 2;
        ctx.strokeText(model, place.left, y);
        ctx.fillStyle = String(borderColor);
        ctx.fillText(model, place.left, y);
      }
    }
    ctx.restore();
  },
};

function boxOfPoint({ x, y }: { x: number; y: number }): Box {
  return { left: x - POINT, top: y - POINT, right: x + POINT, bottom: y + POINT };
}

/** Pruned models' names left of their points first, the others' right: equal memory puts them one above the other. */
function placesOf({ x, y }: { x: number; y: number }, width: number, isUnpruned: boolean): Box[] {
  const box = (left: number, middle: number): Box => {
    return { left, top: middle - LINE / 2, right: left + width, bottom: middle + LINE / 2 };
  };
  const beside = [box(x - GAP - width, y), box(x + GAP, y)];
  const rows = [-1, 1, -2, 2, -3, 3].flatMap((row) =>
    [x - width / 2, x - width, x].map((left) => box(left, y + row * LINE)),
  );
  return [...(isUnpruned ? beside.toReversed() : beside), ...rows];
}

function isFree(box: Box, taken: readonly Box[], { chartArea, width }: Chart): boolean {
  const isInside =
    box.left >= chartArea.left && box.right <= width && box.bottom <= chartArea.bottom;
  return isInside && !taken.some((other) => overlaps(box, other));
}

function overlaps(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
