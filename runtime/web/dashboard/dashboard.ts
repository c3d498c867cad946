// The dashboard: what the log says about a time, drawn again every so often.
// It asks only while it is looked at, and keeps what it has while the server does not answer.
import { byId, el } from '../shared/dom.js';
import { drawIcons } from '../shared/icons.js';
import { ServerError } from '../shared/server-error.js';
import { themeButton } from '../shared/theme-button.js';
import { fillTexts, languageButton, texts } from '../texts/texts.js';
import { AnswersTable } from './answers-table.js';
import { ChartCard } from './chart-card.js';
import { CHARTS } from './chart-specs.js';
import { type DashboardData, loadDashboard, rangeWithData } from './dashboard-data.js';
import { Filters } from './filters.js';
import { tablesOf } from './tables.js';
import { statusOf, tilesOf } from './tiles.js';
import { rangeMs } from './time-axis.js';

const REFRESH_MS = 15_000;

fillTexts();
drawIcons();
document.title = `${texts.dashboard.title} · hearth`;

const automatic = byId('automatic', HTMLInputElement);
const message = byId('message', HTMLElement);
const cards = CHARTS.map((spec) => new ChartCard(spec));
const filters = new Filters(() => {
  answers.restart();
  void refresh();
});
const answers = new AnswersTable(() => void refresh());
let shown: DashboardData | null = null;
let asked = 0;
let timer = 0;

byId('charts', HTMLElement).append(...cards.map(({ element }) => element));
byId('topbar-actions', HTMLElement).append(languageButton(), themeButton());
// Everything here comes from the server: it is simply drawn anew.
document.addEventListener('textschange', () => location.reload());
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
    if (!filters.isChosen) filters.choose(await rangeWithData());
    const data = await loadDashboard(filters.range, answers.before);
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
  answers.update(data.answers, data.hasOlderAnswers);
  if (!box.contains(answers.element)) box.append(answers.element);
  for (const table of box.querySelectorAll('section'))
    if (table !== answers.element) table.remove();
  box.prepend(...tablesOf(data));
  box.querySelectorAll('.table-scroll').forEach((table, at) => {
    table.scrollLeft = left[at] ?? 0;
  });
}

function showFailure(error: unknown): void {
  if (!(error instanceof ServerError)) throw error;
  const words = texts.dashboard;
  if (error.kind === 'unreachable') say(words.unreachable);
  else if (error.kind === 'no-key') say(words.locked);
  else say(error.code === 'no_log' ? words.noLog : words.failed, error.message);
}

/** `details`: what the server said, for who set it up. */
function say(words: string, details = ''): void {
  const fold = el('details', {}, el('summary', {}, texts.common.details), el('p', {}, details));
  message.replaceChildren(words, ...(details === '' ? [] : [fold]));
  message.hidden = words === '';
}
