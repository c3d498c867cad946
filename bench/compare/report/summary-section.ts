// The top of the report: what was compared, what it comes to in sentences, and a card for each pruned
// model. Sentences claim a difference only where it is larger than the errors of both figures.
// Measures nothing.

import { differ } from '../../../llama/quality/definitions.js';
import { formatCount, formatMemory, formatPercent } from '../../../terminal/units.js';
import type { Compared, Comparison, EqualMemory } from '../comparison.js';
import {
  memoryText,
  NOTHING,
  perplexityText,
  rateText,
  rightAnswers,
  shareKept,
} from '../figure-text.js';
import { timed } from './equal-section.js';
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
${failures([...models, ...comparison.made])}
${sentences.length > 0 ? html`<section class="findings card"><h2>What it comes to</h2><ul>${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul></section>` : null}
<section class="model-cards" aria-label="The models">${models.filter(({ file }) => file).map((model) => modelCard(model, first))}</section>`;
}

function failures(models: readonly Compared[]): Html[] {
  return models
    .filter(({ failure }) => failure !== null)
    .map(
      ({ label, failure }) =>
        html`<p class="failure"><strong>${label}</strong> failed: ${failure}</p>`,
    );
}

function modelCard(model: Compared, first: Compared | undefined): Html {
  const { label, file, quality, speed, answers } = model;
  const kept = shareKept(model, first);
  const right = rightAnswers(answers);
  const isFirst = model === first;
  const facts: [string, string | null][] = [
    ['Parameters', file && formatCount(file.sized.shape.nParams)],
    ['Type', file?.fileType ?? null],
    ['Memory', model.memory && memoryText(model)],
    ['Speed', speed && `${rateText(speed.tokensPerSecond)} tok/s${timesText(model, first)}`],
    ['Perplexity', quality && perplexityText(quality.perplexity.value)],
    [
      'Same next token',
      quality?.divergence ? formatPercent(quality.divergence.sameTop.value) : null,
    ],
    ['Right answers', right && `${right.right} of ${right.of}`],
  ];
  const shown = facts.filter((fact): fact is [string, string] => fact[1] !== null);
  return html`<article class="card model-card${file?.isUnpruned ? ' unpruned' : ''}">
<h2>${label}</h2>
<p class="kept">${kept === null ? NOTHING : formatPercent(kept, kept === 1 ? 0 : 1)} <span>${isFirst ? 'the unpruned model' : 'of the parameters kept'}</span></p>
<dl>${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</article>`;
}

/** How many times as fast as the first. */
function timesText({ speed }: Compared, first: Compared | undefined): string {
  if (!speed || !first?.speed || speed === first.speed) return '';
  return `, × ${(speed.tokensPerSecond / first.speed.tokensPerSecond).toFixed(2)}`;
}

function findingOf({ pruned, prunedBytes, type, denseBytes, dense }: EqualMemory): string[] {
  if (type === null)
    return [
      `${pruned.label} is smaller than the unpruned model can be: its smallest type takes ${formatMemory(denseBytes)}, ${pruned.label} ${formatMemory(prunedBytes)}.`,
    ];
  const parts = [perplexityFinding(pruned, dense), speedFinding(pruned, dense)].filter(
    (part) => part !== null,
  );
  if (parts.length === 0)
    return [
      `In the ${formatMemory(prunedBytes)} of ${pruned.label}, the unpruned model fits as ${type}; how good that is was not measured.`,
    ];
  return [
    `In the ${formatMemory(prunedBytes)} of ${pruned.label}, the unpruned model fits as ${type}. Beside that, the pruned one ${parts.join(' and ')}.`,
  ];
}

function perplexityFinding(pruned: Compared, dense: Compared | null): string | null {
  const [own, other] = [pruned.quality?.perplexity, dense?.quality?.perplexity];
  if (!own || !other || pruned.file?.tokenizerSha256 !== dense?.file?.tokenizerSha256) return null;
  const figures = `perplexity ${perplexityText(own.value)} beside ${perplexityText(other.value)}`;
  if (!differ(own, other))
    return `predicts the text as well, as far as this text tells (${figures}, within the error)`;
  return `predicts the text ${own.value < other.value ? 'better' : 'worse'} (${figures})`;
}

function speedFinding(pruned: Compared, dense: Compared | null): string | null {
  const own = timed(pruned.speed?.tokensPerSecond);
  const other = timed(dense?.speed?.tokensPerSecond);
  if (!own || !other) return null;
  if (!differ(own, other)) return 'is as fast';
  return `writes ${(own.value / other.value).toFixed(2)} times as fast`;
}
