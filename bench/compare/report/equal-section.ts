// Pairs of equal memory: each pruned model beside the unpruned one in the type that takes as much.
// A side is marked as better only where chunks of the text, or rounds of speed, tell the two apart.

import { formatMemory } from '../../../terminal/units.js';
import { equalNotes } from '../compare-text.js';
import type { Compared, Comparison, EqualMemory } from '../comparison.js';
import { FIGURES, type FigureText, NOTHING } from '../figure-text.js';
import { compareText, speedVerdict } from '../verdict.js';
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
<tbody>${givenRows(pair)}${ROWS.map((figure) => figureRow(figure, pruned, dense))}</tbody></table>
</article>`;
}

function givenRows({ pruned, type, prunedBytes, denseBytes }: EqualMemory): Html[] {
  const cells = (title: string, own: string, other: string) =>
    html`<tr><th scope="row">${title}</th><td>${own}</td><td>${other}</td></tr>`;
  return [
    cells('Type', pruned.file?.fileType ?? NOTHING, type ?? NOTHING),
    cells('Memory, predicted', formatMemory(prunedBytes), formatMemory(denseBytes)),
  ];
}

type ComparedFigure = {
  title: string;
  text: FigureText;
  /** Which side is better, where that can be told. */
  better: (pruned: Compared, dense: Compared) => 'first' | 'second' | 'open' | undefined;
};

const ROWS: readonly ComparedFigure[] = [
  {
    title: 'Perplexity',
    text: FIGURES.perplexity,
    better: (a, b) => compareText(a, b, 'nll')?.less,
  },
  {
    title: 'Same next token',
    text: FIGURES.sameToken,
    better: (a, b) => compareText(a, b, 'otherTop')?.less,
  },
  { title: 'Tokens a second', text: FIGURES.rate, better: faster },
  { title: 'Time of the answer', text: FIGURES.answerTime, better: () => undefined },
];

function faster(a: Compared, b: Compared): 'first' | 'second' | undefined {
  const verdict = speedVerdict(a, b);
  if (verdict?.kind !== 'told') return undefined;
  return verdict.ratio > 1 ? 'first' : 'second';
}

/** Nothing where neither side was measured. */
function figureRow(figure: ComparedFigure, pruned: Compared, dense: Compared | null): Html {
  const { title, text } = figure;
  const [own, other] = [text(pruned, undefined), dense && text(dense, undefined)];
  if (!own && !other) return html``;
  const better = dense ? figure.better(pruned, dense) : undefined;
  return html`<tr><th scope="row">${title}</th>${cell(own, better === 'first')}${cell(other, better === 'second')}</tr>`;
}

function cell(figure: string | null, isBetter: boolean): Html {
  const text = figure ?? NOTHING;
  return html`<td>${isBetter ? html`<strong class="better">${text}</strong>` : text}</td>`;
}
