// The line under an answer: how fast it came and how full the context is, the rest on demand.
// Cut turns are said aloud here: what the model did not see is never hidden.
import { el } from '../shared/dom.js';
import { formatBytes, formatCount, formatDuration, formatSpeed } from '../shared/format.js';
import type { AnswerFigures } from './figures.js';

/** Speed, time to the first token and context in one line that opens to all figures. */
export function figuresView(figures: AnswerFigures, model: string | null): HTMLElement {
  const brief = [
    formatSpeed(figures.tokensPerSecond),
    `TTFT ${formatDuration(figures.ttftMs)}`,
    `context ${contextWords(figures)}`,
  ];
  const summary = el('summary', { title: 'All figures of this answer' });
  summary.append(...brief.map((words) => el('span', {}, words)));
  const details = el('details', { class: 'figures' }, summary, figuresTable(figures, model));
  details.addEventListener('toggle', () => details.scrollIntoView({ block: 'nearest' }));
  return details;
}

export function droppedNotice({ droppedTurns, droppedTokens }: AnswerFigures): HTMLElement | null {
  if (droppedTurns === 0) return null;
  const turns = droppedTurns === 1 ? 'The oldest turn' : `The ${droppedTurns} oldest turns`;
  const words = `${turns} (${formatCount(droppedTokens)} tokens) no longer fit in the context; the model answered without them.`;
  return el('p', { class: 'notice', role: 'note' }, words);
}

function contextWords({ contextUsed, nCtx }: AnswerFigures): string {
  return nCtx === null
    ? formatCount(contextUsed)
    : `${formatCount(contextUsed)} of ${formatCount(nCtx)}`;
}

function figuresTable(figures: AnswerFigures, model: string | null): HTMLElement {
  const rows: [string, string][] = [
    ['Model', model ?? '–'],
    ['Question', `${formatCount(figures.promptTokens)} tokens`],
    ['of these already known', `${formatCount(figures.cachedTokens)} tokens`],
    ['Answer', `${formatCount(figures.generatedTokens)} tokens`],
    ['Waiting for a free place', formatDuration(figures.queueMs)],
    ['Reading the question', formatDuration(figures.promptMs)],
    ['Writing the answer', formatDuration(figures.generationMs)],
    ['Memory, highest', formatBytes(figures.peakRssBytes)],
    ['GPU memory, highest', formatBytes(figures.devicePeakBytes)],
  ];
  const list = el('dl', { class: 'figure-list' });
  for (const [name, value] of rows.filter(([, value]) => !value.startsWith('–')))
    list.append(el('div', {}, el('dt', {}, name), el('dd', {}, value)));
  return list;
}
