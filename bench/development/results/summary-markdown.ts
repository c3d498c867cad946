// The documentation's table of bench/results/. Reads no file.
import { formatDisk, formatMemory, formatParameters } from '../../../terminal/units.js';
import { type MarkdownColumn, markdownTable } from './markdown-table.js';
import type { ModelSummary } from './summary.js';

const COLUMNS: MarkdownColumn<ModelSummary>[] = [
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
  { head: 'pp512', isNumber: true, cell: ({ ppTs }) => rateText(ppTs) },
  { head: 'tg128', isNumber: true, cell: ({ tgTs }) => rateText(tgTs) },
];

/** Ends with a line break. */
export function summaryTable(models: readonly ModelSummary[]): string {
  return markdownTable(COLUMNS, models);
}

/** Empty of what was not measured. */
export function rateText(tokensPerSecond: number | null): string {
  if (tokensPerSecond === null) return '';
  return `${tokensPerSecond.toFixed(tokensPerSecond < 100 ? 1 : 0)} t/s`;
}
