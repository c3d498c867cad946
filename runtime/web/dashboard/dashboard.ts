// The dashboard: what the log says about a time, drawn again every so often.
// It asks only while it is looked at, and keeps what it has while the server does not answer.
import { byId } from '../shared/dom.js';
import { drawIcons } from '../shared/icons.js';
import { ServerError } from '../shared/server-error.js';
import { themeButton } from '../shared/theme.js';
import { ChartCard } from './chart-card.js';
import { CHARTS } from './chart-specs.js';
import { type DashboardData, loadDashboard } from './dashboard-data.js';
import { Filters } from './filters.js';
import { tablesOf } from './tables.js';
import { statusOf, tilesOf } from './tiles.js';
import { rangeMs } from './time-axis.js';

const REFRESH_MS = 15_000;

const automatic = byId('automatic', HTMLInputElement);
const message = byId('message', HTMLElement);
const cards = CHARTS.map((spec) => new ChartCard(spec));
const filters = new Filters(() => void refresh());
let shown: DashboardData | null = null;
let asked = 0;
let timer = 0;

byId('charts', HTMLElement).append(...cards.map(({ element }) => element));
byId('topbar-actions', HTMLElement).append(themeButton());
drawIcons();
byId('refresh', HTMLButtonElement).addEventListener('click', () => void refresh());
automatic.addEventListener('change', () => void refresh());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void refresh();
});
document.addEventListener('themechange', () => {
  if (shown) show(shown);
});
await refresh();

/** A later call wins over one that is still under way. */
async function refresh(): Promise<void> {
  clearTimeout(timer);
  const turn = ++asked;
  try {
    const data = await loadDashboard(filters.range);
    if (turn === asked) show(data);
  } catch (error) {
    if (turn === asked) showFailure(error);
  }
  if (turn === asked && automatic.checked && !document.hidden)
    timer = setTimeout(() => void refresh(), REFRESH_MS);
}

function show(data: DashboardData): void {
  shown = data;
  filters.offer(data.models);
  say('');
  byId('status', HTMLElement).replaceChildren(...statusOf(data.status));
  byId('empty', HTMLElement).hidden = data.total !== null;
  byId('figures', HTMLElement).hidden = data.total === null;
  byId('tiles', HTMLElement).replaceChildren(...(data.total ? tilesOf(data.total) : []));
  const toMs = Date.now();
  const span = { fromMs: toMs - rangeMs(filters.range.since), toMs, bucketMs: data.bucketMs };
  for (const card of cards) card.update(data, span);
  showTables(data);
}

/** Keeps the place of a table that was scrolled sideways. */
function showTables(data: DashboardData): void {
  const box = byId('tables', HTMLElement);
  const left = [...box.querySelectorAll('.table-scroll')].map(({ scrollLeft }) => scrollLeft);
  box.replaceChildren(...tablesOf(data));
  box.querySelectorAll('.table-scroll').forEach((table, at) => {
    table.scrollLeft = left[at] ?? 0;
  });
}

function showFailure(error: unknown): void {
  if (!(error instanceof ServerError)) throw error;
  if (error.kind === 'unreachable') say('hearth does not answer; what is shown is from before.');
  else if (error.kind === 'no-key') say('hearth is locked. Refresh to enter its API key.');
  else say(error.message);
}

function say(words: string): void {
  message.textContent = words;
  message.hidden = words === '';
}
