// What pairs of equal memory come to, in sentences: for the terminal and for the report, so that both say the
// same. A sentence claims a difference only where text or rounds tell the two apart, and never that they
// are alike because a short text does not.
import { formatMemory, formatPercent } from '../../terminal/units.js';
import { hasWidthsOf } from './compared-file.js';
import type { Compared, EqualMemory } from './comparison.js';
import { totalBytes } from './equal-memory.js';
import { FIGURES, perplexityOf, perplexityText } from './figure-text.js';
import { compareText, reachText, speedVerdict } from './verdict.js';

export function findingOf({ pruned, prunedBytes, type, denseBytes, dense }: EqualMemory): string[] {
  if (type === null)
    return [
      `${pruned.label} is smaller than the unpruned model can be: its smallest type takes ${formatMemory(denseBytes)}, ${pruned.label} ${formatMemory(prunedBytes)}.`,
    ];
  const fits = `In the ${formatMemory(prunedBytes)} of ${pruned.label}, the unpruned model fits as ${type}`;
  const parts = [textFinding(pruned, dense), speedFinding(pruned, dense)].filter(
    (part) => part !== null,
  );
  if (parts.length === 0) return [`${fits}; how good that is was not measured.`];
  return [`${fits}. Beside that, the pruned one ${parts.join(', and ')}.`];
}

/** Of a file, what is saved by less is not worth a loss. */
const WORTH = 0.05;

/**
 * Types of one model that cost more than they save: a smaller file that predicts the text worse, and is
 * smaller by next to nothing or takes no less memory. Beside each, the smallest that is better.
 */
export function costlyTypes(models: readonly Compared[]): string[] {
  return models.flatMap((model) => {
    const better = models.filter((other) => isCostly(model, other));
    const [smallest] = better.sort((a, b) => fileBytes(a) - fileBytes(b));
    return smallest ? [costText(model, smallest)] : [];
  });
}

function isCostly(model: Compared, other: Compared): boolean {
  const [own, others] = [model.file?.sized.shape, other.file?.sized.shape];
  if (!own || !others || !hasWidthsOf(own, others)) return false;
  const saved = 1 - fileBytes(model) / fileBytes(other);
  const isPoor = saved > 0 && (saved <= WORTH || memoryBytes(model) >= memoryBytes(other));
  return isPoor && compareText(other, model, 'nll')?.less === 'first';
}

function costText(model: Compared, other: Compared): string {
  const saved = formatPercent(1 - fileBytes(model) / fileBytes(other));
  const figures = [model, other].map(FIGURES.perplexity).join(' beside ');
  return `${model.label} costs more than it saves: its file is ${saved} smaller than that of ${other.label}, but it ${memoryText(model, other)}predicts the text worse (perplexity ${figures}).`;
}

/** Ends in a space; nothing where it takes less. */
function memoryText(model: Compared, other: Compared): string {
  const [own, others] = [memoryBytes(model), memoryBytes(other)];
  if (own < others) return '';
  const [text, otherText] = [formatMemory(own), formatMemory(others)];
  if (text === otherText) return 'takes as much memory and ';
  return `takes more memory (${text} beside ${otherText}) and `;
}

function fileBytes({ file }: Compared): number {
  return file?.sizeBytes ?? Number.NaN;
}

function memoryBytes({ predicted }: Compared): number {
  return predicted ? totalBytes(predicted) : Number.NaN;
}

function textFinding(pruned: Compared, dense: Compared | null): string | null {
  const paired = compareText(pruned, dense, 'nll');
  const [own, other] = [perplexityOf(pruned), dense && perplexityOf(dense)];
  if (!paired || !own || !other) return null;
  const figures = `perplexity ${perplexityText(own.value)} beside ${perplexityText(other.value)}`;
  if (paired.less === 'open')
    return `cannot be told from it by this text (${figures}; ${reachText(paired, pruned)})`;
  const { value, error } = paired.difference;
  return `predicts the text ${paired.less === 'first' ? 'better' : 'worse'} (${figures}; ${Math.abs(value).toFixed(3)} ± ${error.toFixed(3)} nats a token, over ${paired.nChunks} chunks)`;
}

function speedFinding(pruned: Compared, dense: Compared | null): string | null {
  const verdict = speedVerdict(pruned, dense);
  if (!verdict) return null;
  switch (verdict.kind) {
    case 'told':
      return `writes ${verdict.ratio.toFixed(2)} times as fast`;
    case 'alike':
      return 'is as fast';
    case 'refused':
      return `may be faster or slower (${verdict.why})`;
    default:
      throw verdict satisfies never;
  }
}
