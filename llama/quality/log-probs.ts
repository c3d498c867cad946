// What a model held for likely at one position, as llama-perplexity keeps it for the next model:
// logarithms in 65536 even steps, two bytes a token. A chunk of 512 tokens, of which half
// are scored, is 16 MB at 32000 tokens of vocabulary.
// Reads and writes no file.

export type LogProbs = {
  /** Of one step. */
  scale: number;
  /** The logarithm that step 0 stands for. */
  least: number;
  /** One a token. */
  steps: Uint16Array;
};

const HIGHEST_STEP = 65_535;

/** Everything that is less likely than the likeliest by more is kept as so much. */
const RANGE = 16;

/** `normaliser` is the logits' {@link logSumExp}. */
export function logProbsOf(logits: Float32Array, normaliser: number): LogProbs {
  let [max, min] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const logit of logits) {
    if (logit > max) max = logit;
    if (logit < min) min = logit;
  }
  min = Math.max(min, max - RANGE);
  const scale = Math.fround((max - min) / HIGHEST_STEP);
  const steps = new Uint16Array(logits.length);
  if (scale > 0)
    for (let token = 0; token < steps.length; token++) {
      const above = (logits[token] as number) - min;
      steps[token] = above > 0 ? Math.min(HIGHEST_STEP, Math.round(above / scale)) : 0;
    }
  return { scale, least: Math.fround(min - normaliser), steps };
}

export function logProbOf({ scale, least, steps }: LogProbs, token: number): number {
  return scale * (steps[token] as number) + least;
}

/** Two floats, then the steps. */
export function rowBytes(nVocab: number): number {
  return 8 + 2 * nVocab;
}

export function encodeRow({ scale, least, steps }: LogProbs): Uint8Array {
  const row = new Uint8Array(rowBytes(steps.length));
  new Float32Array(row.buffer, 0, 2).set([scale, least]);
  new Uint16Array(row.buffer, 8).set(steps);
  return row;
}

/** A view of `row`, not a copy; it starts at a multiple of four bytes. */
export function decodeRow(row: Uint8Array): LogProbs {
  const [scale = 0, least = 0] = new Float32Array(row.buffer, row.byteOffset, 2);
  const steps = new Uint16Array(row.buffer, row.byteOffset + 8, (row.length - 8) / 2);
  return { scale, least, steps };
}
