// Figures of a comparison in words, the same in the terminal and in the report.
// What was not measured is a dash. Measures nothing.

import type { Estimate } from '../../llama/quality/definitions.js';
import { formatMemory } from '../../terminal/units.js';
import type { Answered, Compared } from './comparison.js';

export const NOTHING = '–';

/** Memory of the process that held the model: all of it on the CPU, what is not on the GPU elsewhere. */
export function memoryText({ memory }: Compared): string {
  if (!memory) return NOTHING;
  const { devicePeakBytes, peakRssBytes } = memory;
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

export function estimateText(
  { value, error }: Estimate,
  text: (value: number) => string = perplexityText,
): string {
  return `${text(value)} ± ${text(error)}`;
}

/** Of the first model's weights. */
export function shareKept({ file }: Compared, first: Compared | undefined): number | null {
  const dense = first?.file?.sized.shape.nParams;
  return file && dense ? file.sized.shape.nParams / dense : null;
}

/** Averages over the answers; null of none. */
export function averageOf(
  answers: readonly Answered[],
  read: (answer: Answered) => number | null,
): number | null {
  const values = answers.map(read).filter((value) => value !== null);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Answered word for word, of those with a right answer; null where none has one. */
export function rightAnswers(answers: readonly Answered[]): { right: number; of: number } | null {
  const judged = answers.filter(({ isRight }) => isRight !== null);
  if (judged.length === 0) return null;
  return { right: judged.filter(({ isRight }) => isRight).length, of: judged.length };
}
