// Figures of a comparison in words: one table of them behind the tables of the terminal and of the
// report, and the cards of models and of equal memory. Null is what was not measured.

import type { Estimate } from '../../llama/quality/definitions.js';
import {
  formatCount,
  formatDisk,
  formatDuration,
  formatMemory,
  formatPercent,
} from '../../terminal/units.js';
import type { Compared, ComparedAnswer, MeasuredMemory } from './comparison.js';

/** In a table, for what was not measured. */
export const NOTHING = '–';

/** Of `model`, as it stands beside the first. */
export type FigureText = (model: Compared, first: Compared | undefined) => string | null;

export const FIGURES = {
  type: ({ file }) => file?.fileType ?? null,
  parameters: ({ file }) => file && formatCount(file.sized.shape.nParams),
  kept: (model, first) => told(shareKept(model, first), formatPercent),
  file: ({ file }) => file && formatDisk(file.sizeBytes),
  memory: ({ memory }) => memory && peakText(memory),
  weights: ({ memory }) => memory && formatMemory(memory.weightsBytes),
  kvCache: ({ memory }) => memory && formatMemory(memory.kvBytes),
  buffers: ({ memory }) => memory && formatMemory(memory.computeBytes),
  answerTime: ({ speed }) => speed && formatDuration(speed.answerMs),
  ttft: ({ speed }) => speed && formatDuration(speed.ttftMs),
  rate: ({ speed }) => speed && rateText(speed.tokensPerSecond),
  perplexity: (model) => told(perplexityOf(model), ({ value }) => perplexityText(value)),
  perplexityRange: (model) => told(perplexityOf(model), estimateText),
  divergence: ({ quality }) =>
    told(quality?.divergence, ({ meanKl }) => estimateText(meanKl, (value) => value.toFixed(3))),
  sameToken: (model) => told(sameTokenOf(model), ({ value }) => formatPercent(value)),
  sameTokenRange: (model) =>
    told(sameTokenOf(model), (share) => estimateText(share, formatPercent)),
  repetition: ({ answers }) => told(averageOf(answers, 'repetition'), formatPercent),
  words: ({ answers }) => told(averageOf(answers, 'nWords'), (words) => words.toFixed(0)),
  tokens: ({ answers }) => told(averageOf(answers, 'nTokens'), (tokens) => tokens.toFixed(0)),
  difference: ({ answers }) => told(averageOf(answers, 'difference'), formatPercent),
  right: ({ answers }) => told(rightAnswers(answers), ({ right, of }) => `${right} of ${of}`),
} as const satisfies Record<string, FigureText>;

function told<T>(value: T | null | undefined, text: (value: T) => string): string | null {
  return value === null || value === undefined ? null : text(value);
}

/** Memory of the process that held the model: all of it on the CPU, what is not on the GPU elsewhere. */
function peakText({ devicePeakBytes, peakRssBytes }: MeasuredMemory): string {
  if (devicePeakBytes === null) return formatMemory(peakRssBytes);
  return `${formatMemory(devicePeakBytes)} GPU + ${formatMemory(peakRssBytes)}`;
}

export function rateText(tokensPerSecond: number): string {
  return tokensPerSecond.toFixed(tokensPerSecond < 100 ? 1 : 0);
}

/** Four digits, which is more than the error leaves. */
export function perplexityText(value: number): string {
  return value < 1000 ? value.toPrecision(4) : value.toFixed(0);
}

function estimateText(
  { value, error }: Estimate,
  text: (value: number) => string = perplexityText,
): string {
  return `${text(value)} ± ${text(error)}`;
}

export function perplexityOf({ quality }: Compared): Estimate | null {
  return quality?.perplexity ?? null;
}

function sameTokenOf({ quality }: Compared): Estimate | null {
  return quality?.divergence?.sameTop ?? null;
}

/** Of the first model's weights. */
export function shareKept({ file }: Compared, first: Compared | undefined): number | null {
  const dense = first?.file?.sized.shape.nParams;
  return file && dense ? file.sized.shape.nParams / dense : null;
}

/** Null of no answers. */
export function averageOf(
  answers: readonly ComparedAnswer[],
  field: 'repetition' | 'nWords' | 'nTokens' | 'difference',
): number | null {
  const values = answers.map((answer) => answer[field]).filter((value) => value !== null);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Answered word for word, of those with a right answer; null where none has one. */
export function rightAnswers(
  answers: readonly ComparedAnswer[],
): { right: number; of: number } | null {
  const judged = answers.filter(({ isRight }) => isRight !== null);
  if (judged.length === 0) return null;
  return { right: judged.filter(({ isRight }) => isRight).length, of: judged.length };
}
