// One chart with its title, a sentence on what it shows, and its figures as a table behind it.
// The card stays while its figures change, so an opened table stays open.
import { Chart } from 'chart.js';
import { el } from '../shared/dom.js';
import { type ChartSpan, chartConfiguration } from './chart-options.js';
import type { ChartPoint, ChartSpec } from './chart-specs.js';
import type { DashboardData } from './dashboard-data.js';
import { dataTable } from './data-table.js';
import { timeWords } from './time-axis.js';

export class ChartCard {
  readonly element: HTMLElement;
  readonly #spec: ChartSpec;
  readonly #canvas = el('canvas', { role: 'img' });
  readonly #table = el('div');
  readonly #nothing = el('p', { class: 'nothing' }, 'Nothing measured in this time.');
  readonly #plot = el('div', { class: 'plot' }, this.#canvas);
  #chart: Chart<'line' | 'bar', { x: number; y: number | null }[]> | null = null;

  constructor(spec: ChartSpec) {
    this.#spec = spec;
    const details = el('details', {}, el('summary', {}, 'As a table'), this.#table);
    this.element = el(
      'section',
      { class: 'card', 'aria-labelledby': `chart-${spec.id}` },
      el('h2', { id: `chart-${spec.id}` }, spec.title),
      el('p', { class: 'hint' }, spec.hint),
      this.#plot,
      this.#nothing,
      details,
    );
  }

  update(data: DashboardData, span: ChartSpan): void {
    const points = this.#spec.points(data);
    const isEmpty = points.every(({ values }) => values.every((value) => value === null));
    this.element.hidden = isEmpty && this.#spec.isOptional === true;
    this.#plot.hidden = isEmpty;
    this.#nothing.hidden = !isEmpty;
    this.#canvas.setAttribute('aria-label', this.#summary(points));
    this.#table.replaceChildren(this.#dataTable(points));
    this.#draw(points, span);
  }

  /** Drawn anew, as colours may have changed with the theme. */
  #draw(points: ChartPoint[], span: ChartSpan): void {
    this.#chart?.destroy();
    this.#chart = new Chart(this.#canvas, chartConfiguration(this.#spec, points, span));
  }

  /** What the picture says, for those who do not see it: the latest values. */
  #summary(points: ChartPoint[]): string {
    const { title, series, words } = this.#spec;
    const last = points.at(-1);
    if (!last) return `${title}: nothing measured`;
    const values = series.map((name, at) => `${name} ${words(last.values[at] ?? null)}`);
    return `${title}, latest: ${values.join(', ')}. All figures are in the table below.`;
  }

  #dataTable(points: ChartPoint[]): HTMLElement {
    const { title, series, words } = this.#spec;
    const columns = series.map((name, at) => ({
      title: name,
      cell: ({ values }: ChartPoint) => words(values[at] ?? null),
    }));
    const time = { title: 'Time', cell: ({ atMs }: ChartPoint) => timeWords(atMs) };
    return dataTable(title, [time, ...columns], points.toReversed());
  }
}
