// What pairs of equal memory come to, in sentences: for the terminal and for the report, so that both say the
// same. A sentence claims a difference only where text or rounds tell the two apart, and never that they
// are alike because a short text does not.
import { formatMemory } from '../../terminal/units.js';
import type { Compared, EqualMemory } from './comparison.js';
import { perplexityOf, perplexityText } from './figure-text.js';
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
