// Two models on the same text, told apart token by token: what one loses and the other does not.
// Paired, because a text that is hard is hard for both, so that their two figures go up and down together
// and say little beside each other. Tokens of a chunk share their context: a chunk is one observation.
// Source: clustered standard errors and Student's t, as in E. Miller, Adding Error Bars to Evals (2024).
import type { Estimate } from './definitions.js';

export type Paired = {
  /** How much more the first costs than the second, averaged over chunks; its error is the mean's. */
  difference: Estimate;
  nChunks: number;
  /** Which costs less. Open where the text is too short to tell them apart, which is not that they are alike. */
  less: 'first' | 'second' | 'open';
  /** A difference must be larger than this to be told from chance. */
  resolution: number;
};

/**
 * Costs of two models, one mean for each chunk of the same text, such as nats a token. Null where the chunks
 * are fewer than two, or not the same number.
 */
export function comparePaired(first: readonly number[], second: readonly number[]): Paired | null {
  const nChunks = first.length;
  if (nChunks < 2 || second.length !== nChunks) return null;
  const differences = first.map((cost, i) => cost - (second[i] as number));
  const value = differences.reduce((sum, difference) => sum + difference, 0) / nChunks;
  const squares = differences.reduce((sum, difference) => sum + (difference - value) ** 2, 0);
  const error = Math.sqrt(squares / (nChunks - 1) / nChunks);
  const resolution = studentT(nChunks - 1) * error;
  const isTold = Math.abs(value) > resolution;
  const less = value < 0 ? 'first' : 'second';
  return { difference: { value, error }, nChunks, less: isTold ? less : 'open', resolution };
}

/**
 * Chunks of text after which a difference as large as the one seen would show, if it is real: the fewest n
 * with t(n - 1) · σ / √n below it. Infinite where none was seen.
 */
export function chunksToTell({ difference, nChunks }: Paired): number {
  const spread = difference.error * Math.sqrt(nChunks);
  const isEnough = (n: number) =>
    studentT(n - 1) * (spread / Math.sqrt(n)) <= Math.abs(difference.value);
  if (difference.value === 0) return Number.POSITIVE_INFINITY;
  const few = STUDENT_T.findIndex((_, i) => isEnough(i + 2));
  if (few >= 0) return few + 2;
  // Beyond the table the quantile hardly falls: one step of it is exact to a chunk or two.
  const about = Math.ceil((studentT(STUDENT_T.length) * (spread / difference.value)) ** 2);
  return Math.ceil((studentT(about - 1) * (spread / difference.value)) ** 2);
}

/**
 * Two-sided, by degrees of freedom from 1 on: of 25 pairs that do not differ, one is said to. Losses have
 * heavier tails than the normal distribution, so this keeps false claims below one in twenty.
 */
const STUDENT_T = [
  15.895, 4.849, 3.482, 2.999, 2.757, 2.612, 2.517, 2.449, 2.398, 2.359, 2.328, 2.3027, 2.282,
  2.264, 2.249, 2.235, 2.224, 2.214, 2.205, 2.197, 2.189, 2.183, 2.177, 2.172, 2.167, 2.162, 2.158,
  2.154, 2.15, 2.147,
];

/** Beyond the table by the first terms of the expansion about the normal distribution's quantile. */
function studentT(degrees: number): number {
  return STUDENT_T[degrees - 1] ?? 2.0537 + 2.679 / degrees + 3.41 / degrees ** 2;
}
