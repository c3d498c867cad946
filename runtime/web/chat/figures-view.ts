// The line under an answer: how fast it came and how full the context is, the rest on demand.
// Cut turns are said aloud here: what the model did not see is never hidden.
import { el } from '../shared/dom.js';
import { formatBytes, formatCount, formatDuration, formatSpeed } from '../shared/format.js';
import { texts } from '../texts/texts.js';
import type { AnswerFigures } from './figures.js';

/** Speed, time to the first token and context in one line that opens to all figures. */
export function figuresView(figures: AnswerFigures, model: string | null): HTMLElement {
  const { isOfPage, tokensPerSecond, ttftMs, contextUsed } = figures;
  const about = isOfPage ? '≈ ' : '';
  const brief = [
    tokensPerSecond !== null && about + formatSpeed(tokensPerSecond),
    ttftMs !== null && texts.figures.ttft(about + formatDuration(ttftMs)),
    contextUsed !== null && texts.figures.context(contextWords(figures)),
  ].filter((words) => words !== false);
  const summary = el('summary', { title: texts.figures.all });
  summary.append(...brief.map((words) => el('span', {}, words)));
  const details = el('details', { class: 'figures' }, summary, figuresTable(figures, model));
  if (isOfPage) details.append(el('p', { class: 'hint' }, texts.figures.ofPage));
  details.addEventListener('toggle', () => details.scrollIntoView({ block: 'nearest' }));
  return details;
}

export function droppedNotice({ droppedTurns, droppedTokens }: AnswerFigures): HTMLElement | null {
  if (droppedTurns === 0) return null;
  const words = texts.figures.dropped(droppedTurns, formatCount(droppedTokens));
  return el('p', { class: 'notice', role: 'note' }, words);
}

function contextWords({ contextUsed, nCtx }: AnswerFigures): string {
  return nCtx === null
    ? formatCount(contextUsed)
    : texts.figures.of(formatCount(contextUsed), formatCount(nCtx));
}

function figuresTable(figures: AnswerFigures, model: string | null): HTMLElement {
  const words = texts.figures;
  const about = figures.isOfPage ? '≈ ' : '';
  const rows: [string, string | number | null, (value: never) => string][] = [
    [words.model, model, String],
    [words.question, figures.promptTokens, tokens],
    [words.cached, figures.cachedTokens, tokens],
    [words.answer, figures.generatedTokens, (count: number) => about + tokens(count)],
    [words.queue, figures.queueMs, formatDuration],
    [words.reading, figures.promptMs, formatDuration],
    [words.writing, figures.generationMs, formatDuration],
    [words.memory, figures.peakRssBytes, formatBytes],
    [words.gpuMemory, figures.devicePeakBytes, formatBytes],
  ];
  const list = el('dl', { class: 'figure-list' });
  for (const [name, value, write] of rows)
    if (value !== null)
      list.append(el('div', {}, el('dt', {}, name), el('dd', {}, write(value as never))));
  return list;
}

function tokens(count: number): string {
  return texts.figures.tokens(formatCount(count));
}
