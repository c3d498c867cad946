// The definitions against figures worked out by hand from two tiny vocabularies.
import t from 'tap';
import { DivergenceTally, logSumExp, PerplexityTally } from '../../../llama/quality/definitions.js';
import {
  decodeRow,
  encodeRow,
  logProbOf,
  logProbsOf,
  rowBytes,
} from '../../../llama/quality/log-probs.js';

/** Logits of these probabilities, moved by a constant that softmax takes away. */
const logitsOf = (...probabilities: number[]) =>
  Float32Array.from(probabilities, (p) => Math.log(p) + 7);

type Ok = { ok(isTrue: boolean, message: string): void };

const close = (t: Ok, found: number, expected: number, tolerance = 1e-4) =>
  t.ok(Math.abs(found - expected) < tolerance, `${found} is ${expected}`);

t.test('perplexity is e to the mean negative log-likelihood', (t) => {
  const logits = logitsOf(0.5, 0.25, 0.25);
  close(t, logSumExp(logits) - (logits[0] ?? 0), Math.log(2));
  close(t, logSumExp(Float32Array.from([1000, 1000])), 1000 + Math.log(2));
  const tally = new PerplexityTally();
  // ln 2 and ln 8: their mean is ln 4, their deviation ln 2, of which the error is ln 2 / sqrt(2 - 1).
  tally.add(Math.log(2));
  tally.add(Math.log(8));
  close(t, tally.perplexity.value, 4);
  close(t, tally.perplexity.error, 4 * Math.log(2));
  t.equal(tally.count, 2);
  t.end();
});

t.test('KL divergence and the same likeliest token, beside the first model', (t) => {
  const tally = new DivergenceTally();
  const first = (logits: Float32Array) => logProbsOf(logits, logSumExp(logits));
  // The same: nothing diverges.
  tally.add(first(logitsOf(0.5, 0.25, 0.25)), logitsOf(0.5, 0.25, 0.25));
  // 0.5 ln(0.5/0.25) + 0.5 ln(0.5/0.75), and another likeliest token.
  tally.add(first(logitsOf(0.5, 0.5)), logitsOf(0.25, 0.75));
  const expected = 0.5 * Math.log(2) + 0.5 * Math.log(2 / 3);
  const { meanKl, medianKl, sameTop } = tally.divergence;
  close(t, meanKl.value, expected / 2);
  close(t, medianKl, expected / 2);
  t.equal(sameTop.value, 0.5);
  close(t, sameTop.error, 0.5);
  t.end();
});

t.test('log-probabilities survive a file to a step of their range', (t) => {
  const logits = Float32Array.from([3, 1, -2, -40, 2.5]);
  const normaliser = logSumExp(logits);
  const row = encodeRow(logProbsOf(logits, normaliser));
  t.equal(row.length, rowBytes(5));
  const read = decodeRow(row);
  for (const token of [0, 1, 2, 4])
    close(t, logProbOf(read, token), (logits[token] as number) - normaliser, 16 / 65_535);
  close(t, logProbOf(read, 3), 3 - 16 - normaliser, 1e-3);
  const flat = Float32Array.from([1, 1]);
  close(t, logProbOf(logProbsOf(flat, logSumExp(flat)), 1), Math.log(0.5));
  t.end();
});
