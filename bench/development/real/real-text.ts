// The rows of a real model in a terminal: from the smallest, each with what beats it.

import type { Standing } from '../../../model/frontier.js';
import { drawTable, type TableColumn } from '../../../terminal/table.js';
import { formatDisk, formatMemory } from '../../../terminal/units.js';
import { frontierRows } from './frontier-rows.js';
import { type RealRow, rowName, speedOf } from './real-row.js';

const COLUMNS: TableColumn<Standing<RealRow>>[] = [
  { head: 'model', cell: ({ model }) => rowName(model) },
  { head: 'file', align: 'right', cell: ({ model }) => formatDisk(model.size_bytes) },
  { head: 'memory', align: 'right', cell: ({ model }) => formatMemory(model.predicted_bytes) },
  { head: 'perplexity', align: 'right', cell: ({ model }) => model.perplexity.toPrecision(4) },
  { head: 'KL', align: 'right', cell: ({ model }) => model.kl.toFixed(3) },
  { head: 'pp512', align: 'right', cell: ({ model }) => rate(speedOf(model)?.pp) },
  { head: 'tg128', align: 'right', cell: ({ model }) => rate(speedOf(model)?.tg) },
  { head: 'beaten by', cell: ({ beatenBy }) => (beatenBy ? rowName(beatenBy) : 'nothing') },
];

export function rowsText(rows: readonly RealRow[]): string {
  return rows.length === 0 ? 'nothing is measured yet' : drawTable(COLUMNS, frontierRows(rows));
}

function rate(tokensPerSecond: number | undefined): string {
  return tokensPerSecond === undefined ? '' : tokensPerSecond.toFixed(1);
}
