// The report's table of all figures: one a row, one model a column.
// The same figures as in the terminal, by the same words.
import type { Comparison } from '../comparison.js';
import { FIGURES, type FigureText, NOTHING } from '../figure-text.js';
import { type Html, html } from './html.js';

const ROWS: readonly [title: string, text: FigureText][] = [
  ['Type', FIGURES.type],
  ['Parameters', FIGURES.parameters],
  ['Share kept', FIGURES.kept],
  ['File', FIGURES.file],
  ['Memory, measured peak', FIGURES.memory],
  ['  weights', FIGURES.weights],
  ['  KV cache', FIGURES.kvCache],
  ['  buffers', FIGURES.buffers],
  ['Time of the answer', FIGURES.answerTime],
  ['Time to first token', FIGURES.ttft],
  ['Tokens a second', FIGURES.rate],
  ['Perplexity', FIGURES.perplexityRange],
  ['KL divergence', FIGURES.divergence],
  ['Same next token', FIGURES.sameTokenRange],
  ['Repetition', FIGURES.repetition],
  ['Words an answer', FIGURES.words],
  ['Tokens an answer', FIGURES.tokens],
  ['Difference', FIGURES.difference],
  ['Right answers', FIGURES.right],
];

/** Without those that no model has. */
export function figuresSection({ models, made }: Comparison): Html {
  const all = [...models, ...made];
  const rows = ROWS.map(([title, text]) => ({
    title,
    cells: all.map((model) => text(model, models[0])),
  })).filter(({ cells }) => cells.some((cell) => cell !== null));
  return html`<section class="card"><h2>All figures</h2>
<div class="table-scroll" tabindex="0" role="region" aria-label="All figures"><table>
<thead><tr><th scope="col">Figure</th>${all.map(({ label }) => html`<th scope="col" class="number"><span class="words">${label}</span></th>`)}</tr></thead>
<tbody>${rows.map(({ title, cells }) => html`<tr><th scope="row">${title}</th>${cells.map((cell) => html`<td class="number">${cell ?? NOTHING}</td>`)}</tr>`)}</tbody>
</table></div></section>`;
}
