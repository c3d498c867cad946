// Refuses numbers that llama.cpp would misread or abort on: a token that does not exist, an option too
// large for its type, which wraps around there. The HTTP server checks its own contract; this holds for
// every caller. Imports little, as options are checked before all else.
import { MAX_CONTEXT, MAX_PARALLEL, MAX_THREADS } from '../../../llama/settings.js';
import type { EngineFailureCode, EngineOptions, GenerateRequest, Sampling } from '../engine.js';
import { EngineError } from '../engine-error.js';

type NumberRange = { least: number; most: number; isWhole?: boolean };

const OPTIONS = {
  nCtx: { least: 1, most: MAX_CONTEXT, isWhole: true },
  parallel: { least: 1, most: MAX_PARALLEL, isWhole: true },
  threads: { least: 1, most: MAX_THREADS, isWhole: true },
  gpuLayers: { least: 0, most: 2 ** 16, isWhole: true },
} as const satisfies Partial<Record<keyof EngineOptions, NumberRange>>;

const SAMPLING = {
  temperature: { least: 0, most: 100 },
  topP: { least: 0, most: 1 },
  topK: { least: 0, most: 2 ** 31 - 1, isWhole: true },
  minP: { least: 0, most: 1 },
  repeatPenalty: { least: 0.01, most: 100 },
  frequencyPenalty: { least: -2, most: 2 },
  presencePenalty: { least: -2, most: 2 },
  // The largest of 32 bits asks llama.cpp for a random one.
  seed: { least: 0, most: 2 ** 32 - 2, isWhole: true },
} as const satisfies Record<Exclude<keyof Sampling, 'logitBias'>, NumberRange>;

/** Throws {@link EngineError} `load-failed` naming the first option that cannot be used. */
export function checkOptions(options: EngineOptions): void {
  for (const [name, range] of Object.entries(OPTIONS)) {
    const value = options[name as keyof typeof OPTIONS];
    if (value !== 'auto') checkNumber(name, value, range, 'load-failed');
  }
}

/** Throws {@link EngineError} `bad-request` naming the first field that cannot be used. */
export function checkRequest(request: GenerateRequest, nVocab: number): void {
  const { sampling = {}, maxTokens, topLogprobs, deadlineMs } = request;
  for (const [name, range] of Object.entries(SAMPLING))
    checkNumber(name, sampling[name as keyof typeof SAMPLING], range);
  checkNumber('maxTokens', maxTokens, { least: 0, most: 2 ** 31 - 1, isWhole: true });
  checkNumber('topLogprobs', topLogprobs, { least: 0, most: nVocab, isWhole: true });
  checkNumber('deadlineMs', deadlineMs, { least: 0, most: Number.MAX_VALUE });
  const { logitBias = {} } = sampling;
  checkTokens(Object.keys(logitBias).map(Number), nVocab);
  for (const [tokenId, bias] of Object.entries(logitBias))
    checkNumber(`the bias of token ${tokenId}`, bias, { least: -1e9, most: 1e9 });
}

/** Throws `bad-request` for a number that is not a token. */
export function checkTokens(tokenIds: number[], nVocab: number): number[] {
  const bad = tokenIds.find((id) => !Number.isInteger(id) || id < 0 || id >= nVocab);
  if (bad === undefined) return tokenIds;
  throw new EngineError({
    code: 'bad-request',
    message: `${bad} is not a token of this model; expected 0 to ${nVocab - 1}`,
  });
}

function checkNumber(
  name: string,
  value: number | undefined,
  { least, most, isWhole }: NumberRange,
  code: EngineFailureCode = 'bad-request',
): void {
  if (value === undefined) return;
  if (value >= least && value <= most && (!isWhole || Number.isInteger(value))) return;
  const expected = `${isWhole ? 'a whole number' : 'a number'} from ${least} to ${most}`;
  throw new EngineError({ code, message: `${name} is ${value}; expected ${expected}` });
}
