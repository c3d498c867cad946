// The frontier of quality over bytes as an SVG: every pair a point, those that nothing beats joined by a line
// and named. Below the line there is nothing to be had, so that is where the names are.
// Text that a browser draws in its own font, and in the colours of the reader's theme.

import type { Standing } from '../../../model/frontier.js';
import { type Html, html } from '../../compare/report/html.js';
import { type RealRow, rowName } from './real-row.js';
import { MAKERS, type Maker } from './sources.js';

const [WIDTH, HEIGHT] = [860, 520];
const PLOT = { left: 64, top: 56, right: WIDTH - 24, bottom: HEIGHT - 52 };
const RADIUS = 5;

const COLOURS: Record<Maker, string> = {
  dense: 'dense',
  'LLM-Pruner': 'llm-pruner',
  'hearth prune': 'prune',
};

const STYLE = `
text { font: 12px system-ui, sans-serif; fill: #2b2420; }
.soft { fill: #675c53; }
.name { font-weight: 600; }
.grid { stroke: #e4dbce; }
.lead { stroke: #675c53; stroke-width: 0.75; }
.frontier { fill: none; stroke: #2b2420; stroke-width: 1.5; stroke-dasharray: 5 4; }
.dense { fill: #2a6f8e; stroke: #2a6f8e; }
.llm-pruner { fill: #8a8178; stroke: #8a8178; }
.prune { fill: #b2431a; stroke: #b2431a; }
.plain { fill: #ffffff; }
.page { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #eee7df; }
  .soft { fill: #b5a99d; }
  .grid { stroke: #3a332d; }
  .lead { stroke: #b5a99d; }
  .frontier { stroke: #eee7df; }
  .dense { fill: #7dbbdc; stroke: #7dbbdc; }
  .llm-pruner { fill: #948a80; stroke: #948a80; }
  .prune { fill: #f09a6c; stroke: #f09a6c; }
  .plain, .page { fill: #25211e; }
}`;

type DrawnPoint = Standing<RealRow> & { x: number; y: number };

/** Of rows in the order of their bytes; the dense model as F16, which diverges from nothing, is left out. */
export function frontierPicture(standings: readonly Standing<RealRow>[]): string {
  const shown = standings.filter(({ model }) => model.kl > 0);
  const mb = logScale(
    shown.map(({ model }) => model.size_bytes / 1e6),
    [PLOT.left, PLOT.right],
  );
  const nats = logScale(
    shown.map(({ model }) => model.kl),
    [PLOT.bottom, PLOT.top],
  );
  const points = shown.map((standing): DrawnPoint => {
    const { size_bytes, kl } = standing.model;
    return { ...standing, x: mb.at(size_bytes / 1e6), y: nats.at(kl) };
  });
  const frontier = points.filter(({ beatenBy }) => beatenBy === null);
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title">
<title id="title">${points.length} pairs of model and type: distance from the unpruned model over size; ${frontier.length} are not beaten</title>
<style>${STYLE}</style>
<rect class="page" width="${WIDTH}" height="${HEIGHT}" rx="8"/>
${legend(shown)}
${mb.ticks.map((tick) => upright(mb.at(tick), String(tick)))}
${nats.ticks.map((tick) => across(nats.at(tick), String(tick)))}
<text class="soft" x="${PLOT.right}" y="${HEIGHT - 14}" text-anchor="end">file, MB</text>
<text class="soft" x="14" y="${PLOT.top - 10}">KL divergence from the unpruned model, nats a token</text>
<path class="frontier" d="${stairs(frontier)}"/>
${points.toReversed().map(mark)}
${names(frontier)}
</svg>
`.markup;
}

type Scale = { at: (value: number) => number; ticks: number[] };

/** From a little below the least of `values` to a little above the most. */
function logScale(values: readonly number[], [from, to]: [number, number]): Scale {
  const [least, most] = [Math.min(...values) / 1.1, Math.max(...values) * 1.1];
  const at = (value: number) =>
    round(from + ((to - from) * Math.log(value / least)) / Math.log(most / least));
  const powers = Array.from({ length: 12 }, (_, i) => 10 ** (i - 5));
  const steps = most / least < 10 ? [1, 1.5, 2, 3, 4, 5, 7] : [1, 2, 5];
  const ticks = powers
    .flatMap((power) => steps.map((step) => Number((step * power).toPrecision(2))))
    .filter((tick) => tick >= least && tick <= most);
  return { at, ticks };
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}

function upright(x: number, text: string): Html {
  return html`<line class="grid" x1="${x}" y1="${PLOT.top}" x2="${x}" y2="${PLOT.bottom}"/><text class="soft" x="${x}" y="${PLOT.bottom + 18}" text-anchor="middle">${text}</text>`;
}

function across(y: number, text: string): Html {
  return html`<line class="grid" x1="${PLOT.left}" y1="${y}" x2="${PLOT.right}" y2="${y}"/><text class="soft" x="${PLOT.left - 8}" y="${y + 4}" text-anchor="end">${text}</text>`;
}

/** What can be had in so many bytes: nothing better until the next point. */
function stairs(frontier: readonly DrawnPoint[]): string {
  return frontier.map(({ x, y }, i) => (i === 0 ? `M${x} ${y}` : `H${x} V${y}`)).join(' ');
}

function mark({ model, x, y, beatenBy }: DrawnPoint): Html {
  const beaten = beatenBy === null ? 'not beaten' : `beaten by ${rowName(beatenBy)}`;
  const about = `${rowName(model)}: KL ${model.kl.toPrecision(3)}, ${(model.size_bytes / 1e6).toFixed(1)} MB; ${beaten}`;
  return html`<g>${dot(COLOURS[model.maker], model.imatrix, x, y)}<title>${about}</title></g>
`;
}

/** Filled where the types knew which weights count. */
function dot(colour: string, isFilled: boolean, x: number, y: number): Html {
  const inside = isFilled
    ? null
    : html`<circle class="plain" cx="${x}" cy="${y}" r="${RADIUS - 2}"/>`;
  return html`<circle class="${colour}" cx="${x}" cy="${y}" r="${RADIUS}"/>${inside}`;
}

const LINE = 15;
/** About the widest of 12 px; a name's own width is the browser's to know. */
const CHARACTER_PX = 7.6;

/** Left of and below each point, under the line as far as the name goes, and under the name before. */
function names(frontier: readonly DrawnPoint[]): Html[] {
  let lastY = 0;
  return frontier.map(({ model, x, y }) => {
    const name = `${model.source} ${model.type}`;
    const right = Math.max(x - 12, PLOT.left + 6 + CHARACTER_PX * name.length);
    const lineY = Math.max(y, ...frontier.filter((other) => other.x <= right).map((at) => at.y));
    lastY = round(Math.max(lineY, lastY) + LINE);
    return html`<line class="lead" x1="${x}" y1="${y}" x2="${Math.min(x, round(right) + 2)}" y2="${lastY - 4}"/><text class="name" x="${round(right)}" y="${lastY}" text-anchor="end">${name}</text>
`;
  });
}

function legend(shown: readonly Standing<RealRow>[]): Html[] {
  const makers = MAKERS.filter((maker) => shown.some(({ model }) => model.maker === maker));
  const entries: [colour: string, isFilled: boolean, text: string][] = [
    ...makers.map((maker) => [COLOURS[maker], true, maker] as [string, boolean, string]),
    ['soft', true, 'with an importance matrix'],
    ['soft', false, 'without'],
  ];
  let x = 20;
  return entries.map(([colour, isFilled, text]) => {
    const entry = html`${dot(colour, isFilled, x, 22)}<text x="${x + 11}" y="26">${text}</text>`;
    x += 34 + 6.6 * text.length;
    return entry;
  });
}
