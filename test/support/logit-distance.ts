// How far two models' logits are from each other, by the measures that the figures are stated in.
// In float64, so that the measure adds no rounding of its own.
// Both are `[n_tokens, n_vocab]`, row after row.

/** The largest absolute difference, as a share of the largest absolute `expected` logit. */
export function relativeDifference(logits: Float32Array, expected: Float32Array): number {
  if (logits.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [difference, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [logits[i] as number, expected[i] as number];
    // Not Math.max alone: a NaN must not pass as small.
    if (!(Math.abs(a - b) <= difference)) difference = Math.abs(a - b);
    largest = Math.max(largest, Math.abs(b));
  }
  return difference / largest;
}

/** KL(expected ‖ logits) in nats, the mean over all tokens. */
export function meanKlDivergence(
  logits: Float32Array,
  expected: Float32Array,
  nVocab: number,
): number {
  if (logits.length !== expected.length) return Number.POSITIVE_INFINITY;
  const nTokens = expected.length / nVocab;
  let sum = 0;
  for (let token = 0; token < nTokens; token++) {
    const row = [token * nVocab, (token + 1) * nVocab] as const;
    const [p, q] = [logSoftmax(expected.subarray(...row)), logSoftmax(logits.subarray(...row))];
    for (let i = 0; i < nVocab; i++)
      sum += Math.exp(p[i] as number) * ((p[i] as number) - (q[i] as number));
  }
  return sum / nTokens;
}

/** Log probabilities of one row of logits. */
export function logSoftmax(row: Float32Array): Float64Array {
  const largest = row.reduce((a, b) => Math.max(a, b));
  const sum = row.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  const shift = largest + Math.log(sum);
  return Float64Array.from(row, (logit) => logit - shift);
}
