// Pairs of equal memory: each pruned model beside the unpruned one in the type that takes as much.
// A side is marked as better only where the difference is larger than the errors of both figures.
// Measures nothing.

import { differ, type Estimate } from '../../../llama/quality/definitions.js';
import { formatDuration, formatMemory, formatPercent } from '../../../terminal/units.js';
import { equalNotes } from '../compare-text.js';
import type { Compared, Comparison, EqualMemory } from '../comparison.js';
import { NOTHING, perplexityText, rateText } from '../figure-text.js';
import { type Html, html } from './html.js';

export function equalSection(comparison: Comparison): Html | null {
  const { equalMemory, models } = comparison;
  if (equalMemory.length === 0) return null;
  const pairs = equalMemory.filter(({ type }) => type !== null);
  const first = models[0]?.label ?? '';
  return html`<section class="equal"><h2>At equal memory</h2>
<p class="hint">Pruning and fewer bits are two ways to the same card. This is each pruned model beside the unpruned one that takes the same memory.</p>
${pairs.length > 0 ? html`<div class="pairs">${pairs.map((pair) => pairCard(pair, first))}</div>` : null}
${equalNotes(comparison).map((note) => html`<p class="hint">${note}</p>`)}</section>`;
}

function pairCard(pair: EqualMemory, first: string): Html {
  const { pruned, type, dense } = pair;
  const head = (label: string) => html`<th scope="col"><span class="words">${label}</span></th>`;
  return html`<article class="card pair">
<table><thead><tr><td></td>${head(pruned.label)}${head(dense?.label ?? `${first} as ${type}`)}</tr></thead>
<tbody>${givenRows(pair)}${FIGURES.map((figure) => figureRow(figure, pruned, dense))}</tbody></table>
</article>`;
}

function givenRows({ pruned, type, prunedBytes, denseBytes }: EqualMemory): Html[] {
  const cells = (title: string, own: string, other: string) =>
    html`<tr><th scope="row">${title}</th><td>${own}</td><td>${other}</td></tr>`;
  return [
    cells('Type', pruned.file?.fileType ?? NOTHING, type ?? NOTHING),
    cells('Memory', formatMemory(prunedBytes), formatMemory(denseBytes)),
  ];
}

type Figure = {
  title: string;
  read: (model: Compared) => Estimate | null;
  text: (value: number) => string;
  isLessBetter: boolean;
};

const FIGURES: readonly Figure[] = [
  {
    title: 'Perplexity',
    read: ({ quality }) => quality?.perplexity ?? null,
    text: perplexityText,
    isLessBetter: true,
  },
  {
    title: 'Same next token',
    read: ({ quality }) => quality?.divergence?.sameTop ?? null,
    text: formatPercent,
    isLessBetter: false,
  },
  {
    title: 'Tokens a second',
    read: ({ speed }) => timed(speed?.tokensPerSecond),
    text: rateText,
    isLessBetter: false,
  },
  {
    title: 'Time of the answer',
    read: ({ speed }) => timed(speed?.answerMs),
    text: formatDuration,
    isLessBetter: true,
  },
];

/** What a few repeats on a machine with other work can be off by. */
const TIME_ERROR = 0.03;

/** A measured time or speed, with that error. */
export function timed(value: number | undefined): Estimate | null {
  return value === undefined ? null : { value, error: TIME_ERROR * value };
}

/** Nothing where neither side was measured. */
function figureRow(figure: Figure, pruned: Compared, dense: Compared | null): Html {
  const { title, read, text, isLessBetter } = figure;
  const [own, other] = [read(pruned), dense && read(dense)];
  if (!own && !other) return html``;
  const isTold = own && other && differ(own, other);
  const isOwnBetter = isTold && own.value < other.value === isLessBetter;
  return html`<tr><th scope="row">${title}</th>${cell(own, text, isTold && isOwnBetter)}${cell(other, text, isTold && !isOwnBetter)}</tr>`;
}

function cell(estimate: Estimate | null, text: Figure['text'], isBetter: boolean | null): Html {
  if (!estimate) return html`<td>${NOTHING}</td>`;
  const figure = text(estimate.value);
  return isBetter
    ? html`<td><strong class="better">${figure}</strong></td>`
    : html`<td>${figure}</td>`;
}
