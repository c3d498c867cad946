// The report: one HTML file that needs nothing else, neither a server nor the network.
// Script and style are the build's, inlined; a policy in the page lets nothing else run, whatever an
// answer holds.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Comparison } from '../comparison.js';
import { answersSection } from './answers-section.js';
import { type ChartData, chartData } from './chart-data.js';
import { equalSection } from './equal-section.js';
import { figuresSection } from './figures-section.js';
import { fitSection } from './fit-section.js';
import { frontierSection } from './frontier-section.js';
import { Html, html } from './html.js';
import { methodSection } from './method-section.js';
import { summarySection } from './summary-section.js';

/** The pages' own. */
const ICON = path.join(import.meta.dirname, '../../../runtime/web/favicon.svg');

export async function reportHtml(comparison: Comparison): Promise<string> {
  const [script, style, icon] = await Promise.all([
    readAsset('page.js'),
    readAsset('page.css'),
    readFile(ICON, 'base64'),
  ]);
  const iconUrl = `data:image/svg+xml;base64,${icon}`;
  const data = chartData(comparison);
  const labels = comparison.models.map(({ label }) => label).join(', ');
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; script-src '${sha256(script)}'; style-src '${sha256(style)}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Pruned beside unpruned: ${labels}</title>
<link rel="icon" href="${iconUrl}">
<style>${new Html(style)}</style>
<script>${new Html(script)}</script>
</head>
<body>
<div class="topbar"><span class="wordmark"><img src="${iconUrl}" alt="" width="28" height="28">hearth</span></div>
<main class="dashboard report">
${summarySection(comparison)}
${chartsSection(data)}
${frontierSection(comparison)}
${equalSection(comparison)}
${figuresSection(comparison)}
${fitSection(comparison)}
${answersSection(comparison)}
${methodSection(comparison)}
</main>
<script type="application/json" id="chart-data">${inlineJson(data)}</script>
</body>
</html>
`.markup;
}

/** Where the script draws: a card a chart, hidden until then. Its figures are in a table, too. */
function chartsSection({ models, answerTokens }: ChartData): Html {
  const has = (key: keyof ChartData['models'][number]) =>
    models.some((model) => model[key] !== null);
  const withPerplexity = models.filter(({ perplexity }) => perplexity !== null).length;
  return html`<section class="charts" aria-label="Charts">
${withPerplexity > 1 ? chart('trade', 'Quality for memory', 'Lower is better, further left is smaller. The line joins what is worth choosing from; hollow points are beaten by one that takes no more memory.') : null}
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

/** As scripts/bundle-report.mjs writes them. */
async function readAsset(name: string): Promise<string> {
  const text = await readFile(path.join(import.meta.dirname, 'page', name), 'utf8');
  return text.replaceAll(/<\/(script|style)/gi, '<\\/$1');
}

/** As a content security policy names what may run. */
function sha256(text: string): Html {
  return new Html(`sha256-${createHash('sha256').update(text).digest('base64')}`);
}

/** No label can end the element that holds it. */
function inlineJson(data: ChartData): Html {
  return new Html(JSON.stringify(data).replaceAll('<', '\\u003c'));
}
