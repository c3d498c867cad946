// The report's script: the theme of the device, light on paper, and the charts from the numbers that
// the page holds. It loads nothing and sends nothing.
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

const darkDevice = matchMedia('(prefers-color-scheme: dark)');
let isPrinting = false;
let charts: { destroy(): void }[] = [];

showTheme();
darkDevice.addEventListener('change', redraw);
addEventListener('beforeprint', () => print(true));
addEventListener('afterprint', () => print(false));
document.addEventListener('DOMContentLoaded', redraw);

function showTheme(): void {
  const isDark = darkDevice.matches && !isPrinting;
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
}

/** Ink costs: paper is light. What is folded away of the answers on a screen is not on paper. */
function print(isStarting: boolean): void {
  isPrinting = isStarting;
  // Charts take the width that they find, so the page has a sheet's before they are drawn.
  document.documentElement.classList.toggle('on-paper', isStarting);
  for (const details of document.querySelectorAll<HTMLDetailsElement>('details.question')) {
    if (isStarting) details.dataset['open'] = String(details.open);
    details.open = isStarting || details.dataset['open'] === 'true';
  }
  redraw();
}

function redraw(): void {
  showTheme();
  for (const chart of charts) chart.destroy();
  const data = document.getElementById('chart-data')?.textContent ?? '';
  charts = drawCharts(JSON.parse(data) as ChartData);
}

/** Draws each chart that the page has a place for. */
function drawCharts(data: ChartData): Chart[] {
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
