// Which of the compared models are worth choosing from: beaten is who takes no less memory than another and
// predicts the text worse, pair by pair. Memory is the predicted one, by which equal memory is judged, too.
import { type Standing, standingsOf } from '../../model/frontier.js';
import type { Compared, Comparison } from './comparison.js';
import { totalBytes } from './equal-memory.js';
import { compareText } from './verdict.js';

/** From the smallest on, of the models that split the text as the first one does. Empty where that is one. */
export function comparedStandings({ models, made }: Comparison): Standing<Compared>[] {
  const tokens = models[0]?.quality?.tokensSha256;
  const known = [...models, ...made].filter(
    ({ predicted, quality }) => predicted && quality && quality.tokensSha256 === tokens,
  );
  if (known.length < 2) return [];
  return standingsOf(known, {
    bytesOf: ({ predicted }) => (predicted ? totalBytes(predicted) : Number.NaN),
    lossOf: ({ quality }) => quality?.perplexity.value ?? Number.NaN,
    isBetter: (a, b) => compareText(a, b, 'nll')?.less === 'first',
  });
}

/** What the text is too short to decide stays on the frontier. */
export const BEATEN_NOTE =
  'Beaten: another takes no more memory and predicts the text better, chunk by chunk. Choose among the others.';
