// The report's table of all figures, and the pairs of equal memory.
// The same figures as in the terminal, by the same words. Measures nothing.
import { formatCount } from '../../../converter/convert-report.js';
import { formatDisk, formatMemory } from '../../../devices/index.js';
import { equalNotes } from '../compare-text.js';
import type { Compared, Comparison, EqualMemory } from '../comparison.js';
import {
  averageOf,
  durationText,
  estimateText,
  memoryText,
  NOTHING,
  percentText,
  rateText,
  rightAnswers,
  shareKept,
} from '../figure-text.js';
import { type Html, html } from './html.js';

type Row = { title: string; cell: (model: Compared) => string | null };

/** One a row, one model a column: four models fit a phone, twenty figures do not. */
export function figuresSection({ models, made }: Comparison): Html {
  const all = [...models, ...made];
  const rows = figureRows(models[0]).filter(({ cell }) =>
    all.some((model) => cell(model) !== null),
  );
  return html`<section class="card"><h2>All figures</h2>
<div class="table-scroll"><table>
<thead><tr><th scope="col">Figure</th>${all.map(({ label }) => html`<th scope="col" class="number"><span class="words">${label}</span></th>`)}</tr></thead>
<tbody>${rows.map(({ title, cell }) => html`<tr><th scope="row">${title}</th>${all.map((model) => html`<td class="number">${cell(model) ?? NOTHING}</td>`)}</tr>`)}</tbody>
</table></div></section>`;
}

function figureRows(first: Compared | undefined): Row[] {
  const average =
    (read: Parameters<typeof averageOf>[1], text: (value: number) => string) =>
    ({ answers }: Compared) => {
      const value = averageOf(answers, read);
      return value === null ? null : text(value);
    };
  return [
    { title: 'Type', cell: ({ file }) => file?.fileType ?? null },
    { title: 'Parameters', cell: ({ file }) => file && formatCount(file.sized.shape.nParams) },
    { title: 'Share kept', cell: (model) => maybe(shareKept(model, first), percentText) },
    { title: 'File', cell: ({ file }) => file && formatDisk(file.sizeBytes) },
    { title: 'Memory, measured peak', cell: (model) => model.memory && memoryText(model) },
    { title: '  weights', cell: ({ memory }) => memory && formatMemory(memory.weightsBytes) },
    { title: '  KV cache', cell: ({ memory }) => memory && formatMemory(memory.kvBytes) },
    { title: '  buffers', cell: ({ memory }) => memory && formatMemory(memory.computeBytes) },
    { title: 'Time of the answer', cell: ({ speed }) => speed && durationText(speed.answerMs) },
    { title: 'Time to first token', cell: ({ speed }) => speed && durationText(speed.ttftMs) },
    { title: 'Tokens a second', cell: ({ speed }) => speed && rateText(speed.tokensPerSecond) },
    { title: 'Perplexity', cell: ({ quality }) => quality && estimateText(quality.perplexity) },
    {
      title: 'KL divergence',
      cell: ({ quality }) =>
        quality?.divergence ? estimateText(quality.divergence.meanKl, (v) => v.toFixed(3)) : null,
    },
    {
      title: 'Same next token',
      cell: ({ quality }) =>
        quality?.divergence ? estimateText(quality.divergence.sameTop, percentText) : null,
    },
    { title: 'Repetition', cell: average((answer) => answer.repetition, percentText) },
    {
      title: 'Words an answer',
      cell: average(
        (answer) => answer.nWords,
        (v) => v.toFixed(0),
      ),
    },
    {
      title: 'Tokens an answer',
      cell: average(
        (answer) => answer.nTokens,
        (v) => v.toFixed(0),
      ),
    },
    { title: 'Difference', cell: average((answer) => answer.difference, percentText) },
    {
      title: 'Right answers',
      cell: ({ answers }) => maybe(rightAnswers(answers), ({ right, of }) => `${right} of ${of}`),
    },
  ];
}

function maybe<T>(value: T | null, text: (value: T) => string): string | null {
  return value === null ? null : text(value);
}

export function equalSection(comparison: Comparison): Html | null {
  const { equalMemory } = comparison;
  if (equalMemory.length === 0) return null;
  return html`<section class="equal"><h2>At equal memory</h2>
<p class="hint">Pruning and fewer bits are two ways to the same card. This is each pruned model beside the unpruned one that takes the same memory.</p>
<div class="pairs">${equalMemory.map((pair) => pairCard(pair, comparison.models[0]))}</div>
${equalNotes(comparison).map((note) => html`<p class="hint">${note}</p>`)}</section>`;
}

type PairRow = { title: string; cells: [string, string]; better: 0 | 1 | null };

function pairCard(pair: EqualMemory, first: Compared | undefined): Html {
  const { pruned, type, prunedBytes, denseBytes, dense } = pair;
  const sides: [Compared, Compared | null] = [pruned, dense];
  const compared = (title: string, read: Read, text: (value: number) => string, less: boolean) =>
    pairRow(title, sides, { read, text, isLessBetter: less });
  const rows: PairRow[] = [
    { title: 'Type', cells: [pruned.file?.fileType ?? NOTHING, type ?? 'none'], better: null },
    {
      title: 'Memory, predicted',
      cells: [formatMemory(prunedBytes), type ? formatMemory(denseBytes) : NOTHING],
      better: null,
    },
    compared('Perplexity', ({ quality }) => quality?.perplexity.value, plain, true),
    compared('Same next token', (m) => m.quality?.divergence?.sameTop.value, percentText, false),
    compared('Tokens a second', ({ speed }) => speed?.tokensPerSecond, rateText, false),
    compared('Time of the answer', ({ speed }) => speed?.answerMs, durationText, true),
  ];
  return html`<article class="card pair">
<table><thead><tr><td></td><th scope="col"><span class="words">${pruned.label}</span></th><th scope="col"><span class="words">${first?.label ?? ''}${type ? ` as ${type}` : ''}</span></th></tr></thead>
<tbody>${rows.filter(isShown).map(({ title, cells, better }) => html`<tr><th scope="row">${title}</th>${cells.map((cell, i) => (better === i ? html`<td class="better"><strong>${cell}</strong></td>` : html`<td>${cell}</td>`))}</tr>`)}</tbody></table>
</article>`;
}

type Read = (model: Compared) => number | null | undefined;

function pairRow(
  title: string,
  sides: [Compared, Compared | null],
  {
    read,
    text,
    isLessBetter,
  }: { read: Read; text: (value: number) => string; isLessBetter: boolean },
): PairRow {
  const [own, other] = sides.map((side) => (side ? (read(side) ?? null) : null));
  const cell = (value: number | null | undefined) => maybe(value ?? null, text) ?? NOTHING;
  const isBoth = typeof own === 'number' && typeof other === 'number' && own !== other;
  const better = isBoth ? (own < other === isLessBetter ? 0 : 1) : null;
  return { title, cells: [cell(own), cell(other)], better };
}

function isShown({ cells }: PairRow): boolean {
  return cells.some((cell) => cell !== NOTHING);
}

function plain(value: number): string {
  return value.toPrecision(4);
}
