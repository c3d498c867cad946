// Where the page's script draws: a card a chart, hidden until it is drawn.
// Every figure of a chart is in a table, too, for whoever sees no picture.
import type { ChartData } from './chart-data.js';
import { type Html, html } from './html.js';

export function chartsSection({ models, answerTokens }: ChartData): Html {
  const has = (key: keyof ChartData['models'][number]) =>
    models.some((model) => model[key] !== null);
  const withPerplexity = models.filter(({ perplexity }) => perplexity !== null).length;
  return html`<section class="charts" aria-label="Charts">
${withPerplexity > 1 ? chart('trade', 'Quality for memory', 'Lower is better, further left is smaller. Whichever line is lower at a memory is the better use of it.') : null}
${has('tokensPerSecond') ? chart('speed', 'Speed', 'Tokens a second while an answer is written.') : null}
${has('ttftMs') ? chart('time', `Time of an answer of ${answerTokens} tokens`, 'Until the first token, and from there to the last.') : null}
${has('memory') ? chart('memory', 'Memory', 'Measured: the weights, the context, the buffers, and the rest of the process.') : null}
${has('sameTop') ? chart('agreement', 'Agreement with the unpruned model', 'Share of places in the text where both find the same token likeliest.') : null}
${models.some(({ repetition }) => repetition !== null && repetition > 0) ? chart('repetition', 'Repetition', 'Share of the four-word runs of an answer that were there before.') : null}
</section>`;
}

function chart(id: string, title: string, hint: string): Html {
  return html`<figure class="card chart" id="chart-${id}" hidden>
<figcaption><h2>${title}</h2><p class="hint">${hint}</p></figcaption>
<div class="plot"><canvas role="img" aria-label="${title}; the figures are in the tables below"></canvas></div>
</figure>`;
}
