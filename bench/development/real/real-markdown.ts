// What the documentation shows of a real model: how it was measured, the picture, what no other pair beats,
// and every pair's distance from the dense model, a row a type. Reads no file.

import type { Standing } from '../../../model/frontier.js';
import { formatDisk, formatMemory } from '../../../terminal/units.js';
import { markdownTable } from '../results/markdown-table.js';
import { rateText } from '../results/summary-markdown.js';
import { type RealRow, rowName, speedOf } from './real-row.js';

/** Where the picture lies, from the page. */
const PICTURE = 'pictures/frontier.svg';

/** Of the rows of one model, from the smallest. */
export function realSection(standings: readonly Standing<RealRow>[]): string {
  const [first] = standings;
  if (!first) return 'No row is measured yet.\n';
  return [
    `${settingText(first.model)} ${speedText(standings)}\n`,
    `![KL divergence from the unpruned model over the size of the file](${PICTURE})\n`,
    frontierTable(standings),
    'Every pair: KL divergence in nats a token, and the file in MB. In bold is what nothing beats.\n',
    pairsTable(standings),
  ].join('\n');
}

function settingText({ model, text, n_chunks, n_ctx, n_tokens, predicted_n_ctx }: RealRow): string {
  return `${model}, ${n_chunks} chunks of ${n_ctx} tokens of ${text}, of which ${n_tokens} tokens are scored. Not beaten is a pair where no file that is as small or smaller is nearer to the unpruned model, by its KL divergence chunk by chunk. Memory and KV cache are predicted for ${predicted_n_ctx} tokens of context.`;
}

function speedText(standings: readonly Standing<RealRow>[]): string {
  const timed = standings.filter(({ model }) => model.rounds.length > 0).length;
  if (timed === standings.length) return 'Speeds are medians of rounds in which all take turns.';
  if (timed === 0) return 'No speed is told: the machine was busy.';
  return `Of ${standings.length - timed} pairs no speed is told: the machine was busy.`;
}

/** Those that nothing beats. */
function frontierTable(standings: readonly Standing<RealRow>[]): string {
  const rows = standings.filter(({ beatenBy }) => beatenBy === null).map(({ model }) => model);
  return markdownTable(
    [
      { head: 'not beaten', cell: rowName },
      { head: 'file', isNumber: true, cell: (row) => formatDisk(row.size_bytes) },
      { head: 'memory', isNumber: true, cell: (row) => formatMemory(row.predicted_bytes) },
      { head: 'KV cache', isNumber: true, cell: (row) => formatMemory(row.predicted_kv_bytes) },
      { head: 'perplexity', isNumber: true, cell: (row) => row.perplexity.toPrecision(4) },
      { head: 'KL', isNumber: true, cell: (row) => klText(row.kl) },
      { head: 'pp512', isNumber: true, cell: (row) => rateText(speedOf(row)?.pp ?? null) },
      { head: 'tg128', isNumber: true, cell: (row) => rateText(speedOf(row)?.tg ?? null) },
    ],
    rows,
  );
}

/** A row a type, a column a model: distance from the dense model, and the file. */
function pairsTable(standings: readonly Standing<RealRow>[]): string {
  const rows = standings.map(({ model }) => model);
  const kinds = new Map(
    rows.toSorted((a, b) => b.size_bytes - a.size_bytes).map((row) => [kindOf(row), row] as const),
  );
  const sources = [...new Set(rows.map(({ source }) => source))].sort();
  const find = (kind: string, source: string) =>
    standings.find(({ model }) => kindOf(model) === kind && model.source === source);
  return markdownTable(
    [
      { head: 'type', cell: (kind: string) => kind },
      ...sources.map((source) => ({
        head: source,
        isNumber: true as const,
        cell: (kind: string) => pairText(find(kind, source)),
      })),
    ],
    [...kinds.keys()],
  );
}

function kindOf({ type, imatrix }: RealRow): string {
  return `${type}${imatrix ? '+imatrix' : ''}`;
}

/** In bold where nothing beats it. */
function pairText(standing: Standing<RealRow> | undefined): string {
  if (standing === undefined) return '–';
  const { kl, size_bytes } = standing.model;
  const text = `${klText(kl)} · ${(size_bytes / 1e6).toFixed(1)}`;
  return standing.beatenBy === null ? `**${text}**` : text;
}

function klText(kl: number): string {
  return kl === 0 ? '0' : kl.toPrecision(3);
}
