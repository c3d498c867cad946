// The frontier as a table, for whoever cannot see the chart above it or wants its figures: from the smallest
// model on, each with what beats it.
import type { Standing } from '../../../model/frontier.js';
import { formatMemory } from '../../../terminal/units.js';
import { BEATEN_NOTE, comparedStandings } from '../compared-frontier.js';
import type { Compared, Comparison } from '../comparison.js';
import { totalBytes } from '../equal-memory.js';
import { FIGURES, NOTHING } from '../figure-text.js';
import { costlyTypes } from '../findings.js';
import { type Html, html } from './html.js';

export function frontierSection(comparison: Comparison): Html | null {
  const standings = comparedStandings(comparison);
  if (standings.length === 0) return null;
  return html`<section class="card frontier"><h2>What is worth choosing from</h2>
<p class="hint">${BEATEN_NOTE}</p>
${costlyTypes(standings.map(({ model }) => model)).map((sentence) => html`<p>${sentence}</p>`)}
<div class="table-scroll" tabindex="0" role="region" aria-label="What is worth choosing from"><table>
<thead><tr><th scope="col">Model</th><th scope="col" class="number">Memory, predicted</th><th scope="col" class="number">Perplexity</th><th scope="col">Beaten by</th></tr></thead>
<tbody>${standings.map(row)}</tbody>
</table></div></section>`;
}

function row({ model, beatenBy }: Standing<Compared>): Html {
  const memory = model.predicted ? formatMemory(totalBytes(model.predicted)) : NOTHING;
  return html`<tr><th scope="row"><span class="words">${model.label}</span></th><td class="number">${memory}</td><td class="number">${FIGURES.perplexity(model) ?? NOTHING}</td><td>${beatenBy?.label ?? NOTHING}</td></tr>`;
}
