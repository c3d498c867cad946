// A table without lines, which would take the room that a narrow terminal has for columns.
// Cells may hold a stranger's text: each stays one line that steers nothing.
import Table from 'cli-table3';
import { inOneLine } from './foreign-text.js';

export type TableColumn<Row> = { head: string; align?: 'right'; cell: (row: Row) => string };

/** Columns that say nothing of these rows are left out. */
export function drawTable<Row>(columns: readonly TableColumn<Row>[], rows: readonly Row[]): string {
  const shown = columns.filter(({ cell }) => rows.some((row) => cell(row) !== ''));
  const table = new Table({
    head: shown.map(({ head }) => head),
    colAligns: shown.map(({ align }) => align ?? 'left'),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  table.push(...rows.map((row) => shown.map(({ cell }) => inOneLine(cell(row)))));
  return table.toString().replace(/ +$/gm, '');
}

const SIDES = ['top', 'bottom', 'left', 'right', 'mid', 'middle'];
const CORNERS = ['top-left', 'top-mid', 'top-right', 'bottom-left', 'bottom-mid', 'bottom-right'];
const CROSSINGS = ['left-mid', 'mid-mid', 'right-mid'];
const NO_LINES = Object.fromEntries([...SIDES, ...CORNERS, ...CROSSINGS].map((part) => [part, '']));
