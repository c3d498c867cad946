// The report's script: the theme of the device, light on paper, and the charts from the numbers that
// the page holds. It loads nothing and sends nothing.
import type { ChartData } from '../chart-data.js';
import { drawCharts } from './charts.js';

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
  charts = drawCharts(readData(), { isPrinting });
}

function readData(): ChartData {
  return JSON.parse(document.getElementById('chart-data')?.textContent ?? '') as ChartData;
}
