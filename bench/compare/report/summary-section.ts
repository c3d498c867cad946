// The top of the report: what was compared, what it comes to in sentences, and a card for each model.
// A speed stands beside the first model's only where the rounds of both tell them apart.

import { formatPercent } from '../../../terminal/units.js';
import type { Compared, Comparison } from '../comparison.js';
import { FIGURES, NOTHING, shareKept } from '../figure-text.js';
import { findingOf } from '../findings.js';
import { speedVerdict } from '../verdict.js';
import { type Html, html } from './html.js';

export function summarySection(comparison: Comparison): Html {
  const { models, equalMemory, machine, startedAtMs } = comparison;
  const [first, ...others] = models;
  const day = new Date(startedAtMs).toISOString().slice(0, 10);
  const sentences = equalMemory.flatMap(findingOf);
  return html`<header class="report-head">
<h1>Pruned beside unpruned</h1>
<p class="lead">${others.length} ${others.length === 1 ? 'model' : 'models'} beside ${first?.label ?? NOTHING}, measured on ${day} on ${machine.cpu}${machine.gpus.length > 0 ? ` with ${machine.gpus.map(({ name }) => name).join(', ')}` : ''}.</p>
</header>
${[...models, ...comparison.made].map(failure)}
${sentences.length > 0 ? html`<section class="findings card"><h2>What it comes to</h2><ul>${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul></section>` : null}
<section class="model-cards" aria-label="The models">${models.filter(({ file }) => file).map((model) => modelCard(model, first))}</section>`;
}

function failure({ label, failure }: Compared): Html {
  if (failure === null) return html``;
  return html`<p class="failure"><strong>${label}</strong> failed: ${failure}</p>`;
}

function modelCard(model: Compared, first: Compared | undefined): Html {
  const { label, file } = model;
  const kept = shareKept(model, first);
  const isFirst = model === first;
  const rate = FIGURES.rate(model);
  const facts: [name: string, value: string | null][] = [
    ['Parameters', FIGURES.parameters(model)],
    ['Type', FIGURES.type(model)],
    ['Memory, measured', FIGURES.memory(model)],
    ['Speed', rate && `${rate} tok/s${timesText(model, first)}`],
    ['Perplexity', FIGURES.perplexity(model)],
    ['Same next token', FIGURES.sameToken(model)],
    ['Right answers', FIGURES.right(model)],
  ];
  const shown = facts.filter(([, value]) => value !== null);
  return html`<article class="card model-card${file?.isUnpruned ? ' unpruned' : ''}">
<h2>${label}</h2>
<p class="kept">${kept === null ? NOTHING : formatPercent(kept, kept === 1 ? 0 : 1)} <span>${isFirst ? 'the unpruned model' : 'of the parameters kept'}</span></p>
<dl>${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</article>`;
}

/** How many times as fast as the first. */
function timesText(model: Compared, first: Compared | undefined): string {
  const verdict = model === first ? null : speedVerdict(model, first);
  return verdict?.kind === 'told' ? `, × ${verdict.ratio.toFixed(2)}` : '';
}
