// Refuses what llama.cpp would abort on or misread: tokens that do not exist, numbers that are none.
// The HTTP server checks its own contract; this holds for every caller.
// Corrects nothing.
import type { GenerateRequest, Sampling } from '../engine.js';
import { EngineError } from '../engine-error.js';
import { checkTokens } from './prompt.js';

type Range = { least: number; most: number; whole?: boolean };

const RANGES = {
  temperature: { least: 0, most: 100 },
  topP: { least: 0, most: 1 },
  topK: { least: 0, most: 2 ** 31 - 1, whole: true },
  minP: { least: 0, most: 1 },
  repeatPenalty: { least: 0.01, most: 100 },
  // The largest of 32 bits asks llama.cpp for a random one.
  seed: { least: 0, most: 2 ** 32 - 2, whole: true },
} as const satisfies Record<Exclude<keyof Sampling, 'logitBias'>, Range>;

/** Throws {@link EngineError} `bad-request` naming the first field that cannot be used. */
export function checkRequest(request: GenerateRequest, nVocab: number): void {
  const { sampling = {}, maxTokens, topLogprobs, deadlineMs } = request;
  for (const [name, range] of Object.entries(RANGES))
    checkNumber(name, sampling[name as keyof typeof RANGES], range);
  checkNumber('maxTokens', maxTokens, { least: 0, most: 2 ** 31 - 1, whole: true });
  checkNumber('topLogprobs', topLogprobs, { least: 0, most: nVocab, whole: true });
  checkNumber('deadlineMs', deadlineMs, { least: 0, most: Number.MAX_VALUE });
  const biases = Object.entries(sampling.logitBias ?? {});
  checkTokens(
    biases.map(([tokenId]) => Number(tokenId)),
    nVocab,
  );
  for (const [tokenId, bias] of biases)
    checkNumber(`the bias of token ${tokenId}`, bias, { least: -1e9, most: 1e9 });
}

function checkNumber(name: string, value: number | undefined, range: Range): void {
  if (value === undefined) return;
  const isInside = value >= range.least && value <= range.most;
  if (isInside && (!range.whole || Number.isInteger(value))) return;
  throw new EngineError({
    code: 'bad-request',
    message: `${name} is ${value}; expected ${range.whole ? 'a whole number' : 'a number'} from ${range.least} to ${range.most}`,
  });
}
