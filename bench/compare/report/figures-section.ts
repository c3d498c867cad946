// The report's table of all figures: one a row, one model a column.
// The same figures as in the terminal, by the same words. Measures nothing.
import {
  formatCount,
  formatDisk,
  formatDuration,
  formatMemory,
  formatPercent,
} from '../../../terminal/units.js';
import type { Compared, Comparison } from '../comparison.js';
import {
  averageOf,
  estimateText,
  memoryText,
  NOTHING,
  rateText,
  rightAnswers,
  shareKept,
} from '../figure-text.js';
import { type Html, html } from './html.js';

type Row = { title: string; cell: (model: Compared) => string | null };

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
    { title: 'Share kept', cell: (model) => maybe(shareKept(model, first), formatPercent) },
    { title: 'File', cell: ({ file }) => file && formatDisk(file.sizeBytes) },
    { title: 'Memory, measured peak', cell: (model) => model.memory && memoryText(model) },
    { title: '  weights', cell: ({ memory }) => memory && formatMemory(memory.weightsBytes) },
    { title: '  KV cache', cell: ({ memory }) => memory && formatMemory(memory.kvBytes) },
    { title: '  buffers', cell: ({ memory }) => memory && formatMemory(memory.computeBytes) },
    { title: 'Time of the answer', cell: ({ speed }) => speed && formatDuration(speed.answerMs) },
    { title: 'Time to first token', cell: ({ speed }) => speed && formatDuration(speed.ttftMs) },
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
        quality?.divergence ? estimateText(quality.divergence.sameTop, formatPercent) : null,
    },
    { title: 'Repetition', cell: average((answer) => answer.repetition, formatPercent) },
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
    { title: 'Difference', cell: average((answer) => answer.difference, formatPercent) },
    {
      title: 'Right answers',
      cell: ({ answers }) => maybe(rightAnswers(answers), ({ right, of }) => `${right} of ${of}`),
    },
  ];
}

function maybe<T>(value: T | null, text: (value: T) => string): string | null {
  return value === null ? null : text(value);
}
