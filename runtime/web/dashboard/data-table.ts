// Tables of figures that a screen reader walks through and a narrow screen scrolls.
// Cells are text nodes: names of models and messages of errors come from outside.
import { el } from '../shared/dom.js';

export type DataColumn<Row> = {
  title: string;
  cell: (row: Row) => string;
  /** Numbers stand on the right; default for all columns but the first. */
  isText?: boolean;
};

/** `caption` is for screen readers; a heading stands above each table. */
export function dataTable<Row>(
  caption: string,
  columns: readonly DataColumn<Row>[],
  rows: readonly Row[],
): HTMLElement {
  const heads = columns.map((column, at) =>
    el('th', { scope: 'col', class: classOf(column, at) }, column.title),
  );
  const table = el(
    'table',
    {},
    el('caption', { class: 'visually-hidden' }, caption),
    el('thead', {}, el('tr', {}, ...heads)),
    el('tbody', {}, ...rows.map((row) => bodyRow(columns, row))),
  );
  const props = { class: 'table-scroll', tabindex: 0, role: 'region', 'aria-label': caption };
  return el('div', props, table);
}

function bodyRow<Row>(columns: readonly DataColumn<Row>[], row: Row): HTMLElement {
  const cells = columns.map((column, at) => {
    const isText = classOf(column, at) === 'text';
    const text = column.cell(row);
    const content = isText ? el('span', { class: 'words' }, ...breakable(text)) : text;
    return at === 0
      ? el('th', { scope: 'row' }, content)
      : el('td', { class: classOf(column, at) }, content);
  });
  return el('tr', {}, ...cells);
}

/** Codes such as HEARTH_ENGINE_DIED may break where a reader parts them. */
function breakable(text: string): (string | HTMLElement)[] {
  return text.split(/(?<=_)/).flatMap((part, at) => (at === 0 ? part : [el('wbr'), part]));
}

function classOf<Row>({ isText = false }: DataColumn<Row>, at: number): string {
  return at === 0 || isText ? 'text' : 'number';
}
