// The report's charts, drawn where the page has a place for them: on a screen, and anew for paper.
// What each shows is bar-charts.ts and trade-chart.ts.
import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  Legend,
  LinearScale,
  LineElement,
  LogarithmicScale,
  PointElement,
  ScatterController,
  Tooltip,
} from 'chart.js';
import type { ChartData } from '../chart-data.js';
import { BARS, barChart } from './bar-charts.js';
import { tradeChart } from './trade-chart.js';

Chart.register(BarController, BarElement, CategoryScale, LinearScale, LogarithmicScale);
Chart.register(LineElement, PointElement, ScatterController, Legend, Tooltip);

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
