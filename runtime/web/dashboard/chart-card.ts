// One chart with its title, a sentence on what it shows, and its figures as a table behind it.
// The card stays while its figures change, so an opened table stays open.
import { Chart } from 'chart.js';
import { el } from '../shared/dom.js';
import { texts } from '../texts/texts.js';
import { type ChartSpan, chartConfiguration } from './chart-options.js';
import { type ChartPoint, type ChartSpec, seriesOf } from './chart-specs.js';
import type { DashboardData } from './dashboard-data.js';
import { dataTable } from './data-table.js';
import { timeWords } from './time-axis.js';

export class ChartCard {
  readonly element: HTMLElement;
  readonly #spec: ChartSpec;
  readonly #canvas = el('canvas', { role: 'img' });
  readonly #table = el('div');
  readonly #nothing = el('p', { class: 'nothing' }, texts.charts.nothing);
  readonly #plot = el('div', { class: 'plot' }, this.#canvas);
  #chart: Chart<'line' | 'bar', { x: number; y: number | null }[]> | null = null;

  constructor(spec: ChartSpec) {
    this.#spec = spec;
    const details = el('details', {}, el('summary', {}, texts.charts.asTable), this.#table);
    this.element = el(
      'section',
      { class: 'card', 'aria-labelledby': `chart-${spec.id}` },
      el('h2', { id: `chart-${spec.id}` }, texts.charts[spec.id].title),
      el('p', { class: 'hint' }, texts.charts[spec.id].hint),
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
    const { id, words } = this.#spec;
    const { title, series } = texts.charts[id];
    const last = points.at(-1);
    if (!last) return texts.charts.nothingMeasured(title);
    const values = series.map((name, at) => `${name} ${words(last.values[at] ?? null)}`);
    return texts.charts.latest(title, values.join(', '));
  }

  #dataTable(points: ChartPoint[]): HTMLElement {
    const { id, words } = this.#spec;
    const columns = seriesOf(this.#spec).map((name, at) => ({
      title: name,
      cell: ({ values }: ChartPoint) => words(values[at] ?? null),
    }));
    const time = { title: texts.charts.time, cell: ({ atMs }: ChartPoint) => timeWords(atMs) };
    return dataTable(texts.charts[id].title, [time, ...columns], points.toReversed());
  }
}
