// README's picture of bench/results/: a bar of memory for each model, in its parts, with a tick where it
// was predicted to end, and beside it a bar of speed where that was measured.
// An SVG that reads on light and on dark pages, drawn from rows alone. Writes no file.
import { formatMemory } from '../../../terminal/units.js';
import type { ModelSummary } from './summary.js';

const WIDTH = 860;
const ROW = 40;
const BAR = 18;
const TOP = 58;
const NAME_WIDTH = 190;
const MEMORY_WIDTH = 330;
const SPEED_X = NAME_WIDTH + MEMORY_WIDTH + 110;
const SPEED_WIDTH = 150;

/** Distinct without colour, too: each is darker than the next. */
const PARTS = [
  { label: 'weights', color: '#2b6cb0', bytes: (model: ModelSummary) => model.weightsBytes },
  { label: 'KV cache', color: '#dd8a1f', bytes: (model: ModelSummary) => model.kvBytes },
  { label: 'the rest of the process', color: '#9aa5b1', bytes: restBytes },
] as const;

/** Of models of one size: the longest bar fills the width. */
export function drawPicture(models: readonly ModelSummary[], title: string): string {
  const height = TOP + ROW * models.length + 34;
  const most = Math.max(...models.flatMap((m) => [m.peakRssBytes, m.predictedRssBytes]));
  const fastest = Math.max(0, ...models.map(({ tgTs }) => tgTs ?? 0));
  const rows = models.map((model, i) =>
    row(model, TOP + ROW * i, { perByte: MEMORY_WIDTH / most, fastest }),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${escaped(title)}</title>`,
    '<style>text{font:13px system-ui,sans-serif;fill:#24292f}.head{font-weight:600}.tick{stroke:#24292f;stroke-width:2}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.tick{stroke:#e6edf3}}</style>',
    text(0, 22, title, 'head'),
    text(NAME_WIDTH, 46, 'memory of the process; the tick is the prediction'),
    ...(fastest > 0 ? [text(SPEED_X, 46, 'tokens a second (tg128)')] : []),
    ...rows,
    ...legend(height - 12),
    '</svg>',
    '',
  ].join('\n');
}

function row(
  model: ModelSummary,
  y: number,
  { perByte, fastest }: { perByte: number; fastest: number },
): string {
  let x = NAME_WIDTH;
  const bars = PARTS.map(({ color, bytes }) => {
    const width = bytes(model) * perByte;
    const bar = rect(x, y, width, color);
    x += width;
    return bar;
  });
  const tick = round(NAME_WIDTH + model.predictedRssBytes * perByte);
  const end = Math.max(x, tick);
  return [
    text(0, y + 14, model.name),
    ...bars,
    `<line class="tick" x1="${tick}" x2="${tick}" y1="${y - 4}" y2="${y + BAR + 4}"/>`,
    text(end + 8, y + 14, formatMemory(model.peakRssBytes)),
    ...(model.tgTs === null ? [] : speedBar(model.tgTs, fastest, y)),
  ].join('\n');
}

function speedBar(tokensPerSecond: number, fastest: number, y: number): string[] {
  const width = (SPEED_WIDTH * tokensPerSecond) / fastest;
  return [
    rect(SPEED_X, y, width, '#2f855a'),
    text(SPEED_X + width + 8, y + 14, tokensPerSecond.toFixed(tokensPerSecond < 100 ? 1 : 0)),
  ];
}

function restBytes({ peakRssBytes, weightsBytes, kvBytes }: ModelSummary): number {
  return Math.max(0, peakRssBytes - weightsBytes - kvBytes);
}

function legend(y: number): string[] {
  let x = NAME_WIDTH;
  return PARTS.flatMap(({ label, color }) => {
    const item = [
      `<rect x="${x}" y="${y - 10}" width="11" height="11" fill="${color}"/>`,
      text(x + 17, y, label),
    ];
    x += 34 + 7 * label.length;
    return item;
  });
}

function rect(x: number, y: number, width: number, color: string): string {
  return `<rect x="${round(x)}" y="${y}" width="${round(width)}" height="${BAR}" fill="${color}"/>`;
}

function text(x: number, y: number, content: string, kind?: string): string {
  const attribute = kind === undefined ? '' : ` class="${kind}"`;
  return `<text x="${round(x)}" y="${y}"${attribute}>${escaped(content)}</text>`;
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}

function escaped(content: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return content.replaceAll(/[&<>"]/g, (character) => entities[character] ?? '');
}
