// What hearth prune --for says: which pairs fit, before any long work, and at the end which is the best, what
// comes next, and what either costs.
import { speedText } from '../../devices/fit/fit-report.js';
import { chunksToTell, comparePaired } from '../../llama/quality/paired.js';
import { drawTable, type TableColumn } from '../../terminal/table.js';
import {
  formatDisk,
  formatDuration,
  formatMemory,
  formatPercent,
  plural,
} from '../../terminal/units.js';
import { CHUNK_SIZE } from '../calibrated-model.js';
import type { Pair } from './pair.js';
import type { PruneForSummary } from './prune-for.js';
import type { MeasuredPair } from './search-pairs.js';

/** `Q4_K_M, 12.5 % pruned` */
export function pairText({ ratio, quantised: { fileType } }: Pair): string {
  return `${fileType}, ${ratio === 0 ? 'unpruned' : `${formatPercent(ratio)} pruned`}`;
}

/** A line for the device, one for what fits it, and one where widths make types alike. */
export function pairsText(pairs: readonly Pair[], minTps: number | null): string {
  const [first] = pairs;
  if (!first) return '';
  const { device, budgetBytes, memory } = first.fit;
  const speed = minTps === null ? '' : `, at ${minTps} tok/s or more`;
  const unpruned = pairs.filter(({ ratio }) => ratio === 0);
  const pruned = pairs.filter(({ ratio }) => ratio > 0);
  return [
    `on ${device.name}: ${formatMemory(budgetBytes)} for a model and ${memory.nCtx} tokens of context${speed}`,
    [
      ...(unpruned[0]
        ? [`${fitText(unpruned)} unpruned, the best of them ${unpruned[0].quantised.fileType}`]
        : []),
      ...(pruned.length > 0 ? [`${fitText(pruned)} with weights gone: ${rangeText(pruned)}`] : []),
    ].join('; '),
    ...fallbackText(pairs),
  ].join('\n');
}

function fitText({ length }: readonly Pair[]): string {
  return `${plural(length, 'type')} ${length === 1 ? 'fits' : 'fit'}`;
}

/** `Q8_0 with 40.0 %, … Q4_K_M with 7.8 %` */
function rangeText(pruned: readonly Pair[]): string {
  const byRatio = [...pruned].sort((a, b) => b.ratio - a.ratio);
  const ends = byRatio.length > 1 ? [byRatio[0], byRatio.at(-1)] : byRatio;
  return ends
    .map((pair) => pair && `${pair.quantised.fileType} with ${formatPercent(pair.ratio)}`)
    .join(' to ');
}

/** Where no width is whole blocks of 256, types below four bits are not what they are called. */
function fallbackText(pairs: readonly Pair[]): string[] {
  if (!pairs.every(({ quantised: { larger } }) => larger.length > 0)) return [];
  const sizes = pairs.map(({ quantised }) => quantised.weightsBytes);
  return [
    `rows of this model are not whole blocks of any of these types, so that each takes larger ones in places: their files have ${formatDisk(Math.min(...sizes))} to ${formatDisk(Math.max(...sizes))}`,
  ];
}

export function summaryText(summary: PruneForSummary & { durationMs: number }): string {
  const { file, measured, isCutShort } = summary;
  const [winner, second] = measured;
  if (!winner) return '';
  return [
    `${file.output}: ${formatDisk(file.sizeBytes)}, ${pairText(winner.pair)}`,
    '',
    pairTable(summary),
    '',
    ...(second ? [verdictText(winner, second)] : ['No other pair was measured.']),
    ...pruningText(summary),
    ...(isCutShort
      ? ['The time of --search was up before all pairs that promise as much were measured.']
      : []),
    `KL: nats from the unpruned model, on ${plural(winner.quality.klByChunk.length, 'chunk')} of ${CHUNK_SIZE} tokens that calibrated nothing; ≈ is expected by what the measured pairs have.`,
    `took ${formatDuration(summary.durationMs)}, ${summary.calibrationTokens} tokens of calibration`,
  ].join('\n');
}

type Row = { pair: Pair; kl: string; perplexity: string; place: string };

const COLUMNS: TableColumn<Row>[] = [
  { head: '', cell: ({ place }) => place },
  { head: 'Type', cell: ({ pair }) => pair.quantised.fileType },
  right('Pruned', ({ pair }) => (pair.ratio === 0 ? 'no' : formatPercent(pair.ratio))),
  right('Memory', ({ pair }) => formatMemory(pair.fit.neededBytes)),
  right('tok/s', ({ pair }) => speedText(pair.fit.speed?.tgTokensPerSecond)),
  right('KL', ({ kl }) => kl),
  right('PPL', ({ perplexity }) => perplexity),
];

function right(head: string, cell: (row: Row) => string): TableColumn<Row> {
  return { head, align: 'right', cell };
}

const PLACES = ['best', 'next'];

/** Of pairs that were not measured, so many. */
const EXPECTED_ROWS = 6;

function pairTable({ measured, expected }: PruneForSummary): string {
  const rows = measured.map(({ pair, kl, quality }, i) => ({
    ...{ pair, kl: kl.toFixed(4), perplexity: quality.perplexity.toFixed(2) },
    place: PLACES[i] ?? '',
  }));
  const others = expected
    .slice(0, EXPECTED_ROWS)
    .map(({ pair, kl }) => ({ pair, kl: `≈ ${kl.toFixed(2)}`, perplexity: '', place: '' }));
  return drawTable(COLUMNS, [...rows, ...others]);
}

function verdictText(winner: MeasuredPair, second: MeasuredPair): string {
  const [best, next] = [pairText(winner.pair), pairText(second.pair)];
  const paired = comparePaired(winner.quality.klByChunk, second.quality.klByChunk);
  if (!paired) return `${best} drifts least; the text is too short to tell how sure that is.`;
  const { value, error } = paired.difference;
  const difference = `${Math.abs(value).toFixed(4)} ± ${error.toFixed(4)} nats`;
  if (paired.less !== 'open') return `${best} drifts less than ${next}, by ${difference}.`;
  const chunks = chunksToTell(paired);
  const enough = Number.isFinite(chunks)
    ? `; about ${chunks * CHUNK_SIZE} tokens held out would tell`
    : '';
  return `${best} drifts less than ${next} by ${difference}, which this text is too short to tell from chance${enough}.`;
}

/** Whether it was worth it, in plain words. */
function pruningText({ measured, expected }: PruneForSummary): string[] {
  const all = [...measured, ...expected];
  const pruned = all.find(({ pair }) => pair.ratio > 0);
  const unpruned = all.find(({ pair }) => pair.ratio === 0);
  if (!unpruned) return ['No type fits unpruned.'];
  if (!pruned)
    return [
      'Every type that is worth a comparison fits unpruned: pruning would buy nothing but speed.',
    ];
  if (measured[0]?.pair.ratio === 0)
    return [
      `Pruning does not pay here: ${pairText(pruned.pair)} has a KL of ${pruned.kl.toFixed(3)}.`,
    ];
  return [`Pruning pays here: ${pairText(unpruned.pair)} has a KL of ${unpruned.kl.toFixed(3)}.`];
}

export function summaryJson({
  file,
  measured,
  expected,
  ...rest
}: PruneForSummary & { durationMs: number }) {
  return {
    output: file.output,
    file_type: file.fileType,
    size_bytes: file.sizeBytes,
    parameter_count: file.nParams,
    measured: measured.map(({ pair, kl, quality }) => ({
      ...pairJson(pair),
      ...{ kl, kl_by_chunk: quality.klByChunk, perplexity: quality.perplexity },
      kl_of_pruning: quality.pruningKl,
    })),
    expected: expected.map(({ pair, kl }) => ({ ...pairJson(pair), kl })),
    is_cut_short: rest.isCutShort,
    calibration_tokens: rest.calibrationTokens,
    duration_ms: rest.durationMs,
  };
}

function pairJson({ ratio, quantised, fit }: Pair) {
  return {
    type: quantised.fileType,
    ratio,
    weights_bytes: quantised.weightsBytes,
    memory_bytes: fit.neededBytes,
    max_context_length: fit.maxCtx,
    tokens_per_second: fit.speed?.tgTokensPerSecond ?? null,
  };
}
