// Tables in a terminal: without lines, which take the room that a narrow one has for columns, for rows
// that may be many; with lines for a few, whose cells may be of several lines.
import Table from 'cli-table3';
import { inOneLine } from './foreign-text.js';

export type TableColumn<Row> = { head: string; align?: 'right'; cell: (row: Row) => string };

/** Cells may hold a stranger's text: each stays one line that steers nothing. */
export function drawTable<Row>(columns: readonly TableColumn<Row>[], rows: readonly Row[]): string {
  const plain = columns.map(({ cell, ...rest }) => ({
    ...rest,
    cell: (row: Row) => inOneLine(cell(row)),
  }));
  const style = { 'padding-left': 0, 'padding-right': 2 };
  return draw(shownColumns(plain, rows), rows, { chars: NO_LINES, style }).replace(/ +$/gm, '');
}

/** With lines; empty of no rows. */
export function drawGrid<Row>(columns: readonly TableColumn<Row>[], rows: readonly Row[]): string {
  return rows.length === 0 ? '' : draw(columns, rows, { style: { compact: true } });
}

/** Without those that say nothing of these rows. */
export function shownColumns<Row>(
  columns: readonly TableColumn<Row>[],
  rows: readonly Row[],
): TableColumn<Row>[] {
  return columns.filter(({ cell }) => rows.some((row) => cell(row) !== ''));
}

function draw<Row>(
  columns: readonly TableColumn<Row>[],
  rows: readonly Row[],
  look: Table.TableConstructorOptions,
): string {
  const table = new Table({
    ...look,
    head: columns.map(({ head }) => head),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    style: { ...look.style, head: [], border: [] },
  });
  table.push(...rows.map((row) => columns.map(({ cell }) => cell(row))));
  return table.toString();
}

const SIDES = ['top', 'bottom', 'left', 'right', 'mid', 'middle'];
const CORNERS = ['top-left', 'top-mid', 'top-right', 'bottom-left', 'bottom-mid', 'bottom-right'];
const CROSSINGS = ['left-mid', 'mid-mid', 'right-mid'];
const NO_LINES = Object.fromEntries([...SIDES, ...CORNERS, ...CROSSINGS].map((part) => [part, '']));
