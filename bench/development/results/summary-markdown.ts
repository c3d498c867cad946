// The documentation's table of bench/results/, with cells of one width, as the other tables there have.
// Columns that no model has a figure for are left out.
// Reads no file.
import { formatDisk, formatMemory, formatParameters } from '../../../terminal/units.js';
import type { ModelSummary } from './summary.js';

type Column = { head: string; isNumber?: true; cell: (model: ModelSummary) => string };

const COLUMNS: Column[] = [
  { head: 'model', cell: ({ name }) => name },
  { head: 'parameters', isNumber: true, cell: ({ nParams }) => formatParameters(nParams) },
  { head: 'file', isNumber: true, cell: ({ fileBytes }) => formatDisk(fileBytes) },
  { head: 'context', isNumber: true, cell: ({ nCtx }) => String(nCtx) },
  { head: 'KV cache', isNumber: true, cell: ({ kvBytes }) => formatMemory(kvBytes) },
  { head: 'process', isNumber: true, cell: ({ peakRssBytes }) => formatMemory(peakRssBytes) },
  {
    head: 'predicted',
    isNumber: true,
    cell: ({ predictedRssBytes }) => formatMemory(predictedRssBytes),
  },
  {
    head: 'GPU (layers)',
    isNumber: true,
    cell: ({ vulkanBytes, vulkanLayers }) =>
      vulkanBytes === null ? '' : `${formatMemory(vulkanBytes)} (${vulkanLayers})`,
  },
  { head: 'pp512', isNumber: true, cell: ({ ppTs }) => rate(ppTs) },
  { head: 'tg128', isNumber: true, cell: ({ tgTs }) => rate(tgTs) },
];

/** Ends with a line break. */
export function summaryTable(models: readonly ModelSummary[]): string {
  const columns = COLUMNS.filter(({ cell }) => models.some((model) => cell(model) !== ''));
  const rows = models.map((model) => columns.map(({ cell }) => cell(model)));
  const widths = columns.map(({ head }, i) =>
    Math.max(head.length, ...rows.map((cells) => (cells[i] ?? '').length)),
  );
  const line = (cells: string[]) => `| ${cells.join(' | ')} |\n`;
  const pad = (text: string, i: number) =>
    columns[i]?.isNumber ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0);
  const rule = columns.map(({ isNumber }, i) =>
    isNumber ? `${'-'.repeat((widths[i] ?? 1) - 1)}:` : '-'.repeat(widths[i] ?? 0),
  );
  return [columns.map(({ head }) => head).map(pad), rule, ...rows.map((row) => row.map(pad))]
    .map(line)
    .join('');
}

function rate(tokensPerSecond: number | null): string {
  if (tokensPerSecond === null) return '';
  return `${tokensPerSecond.toFixed(tokensPerSecond < 100 ? 1 : 0)} t/s`;
}
