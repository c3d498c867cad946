// How the next token of one answer is chosen, and with which probability the model gave it.
// llama.cpp's own samplers choose; probabilities are the model's, before temperature and cuts.
// An answer holds a native sampler from its first token on, which must be given back.
import type { Native, NativeSampler, SamplerConfig } from '../../../llama/node-llama-internals.js';
import { DEFAULT_SAMPLING } from '../default-sampling.js';
import type { Sampling, TokenLogprob, TokenLogprobs } from '../engine.js';
import { EngineError } from '../engine-error.js';
import type { TokenText } from './token-text.js';

/** Tokens before the next one that the penalties look at, as in llama.cpp. */
const PENALTY_TOKENS = 64;
/**
 * An ambiguous grammar costs more with each character, and everybody waits for it. Thousands of
 * times what a JSON schema costs, and far below what a watchdog takes for the end.
 */
const LONGEST_GRAMMAR_MS = 3000;
/** A bias of this or less forbids the token, as in OpenAI's contract. */
const FORBIDDING_BIAS = -100;

export class TokenChooser {
  readonly #native: Native;
  readonly #samplers: SamplerPool;
  readonly #config: SamplerConfig;
  #sampler: NativeSampler | undefined;

  constructor(
    native: Native,
    samplers: SamplerPool,
    sampling: Sampling,
    grammarState: object | undefined,
  ) {
    this.#native = native;
    this.#samplers = samplers;
    this.#config = samplerConfig(sampling, grammarState);
  }

  /**
   * The next token after `tokens`, from the logits at `batchIndex`; -1 when there is none. Throws
   * `bad-request` where the grammar lets no token follow, or takes too long to say which may.
   */
  async choose(batchIndex: number, tokens: readonly number[]): Promise<number> {
    const chosen = this.#native.context.sampleToken(batchIndex, this.#samplerAfter(tokens));
    return this.#config.grammarEvaluationState ? withinGrammar(chosen) : chosen;
  }

  /** Call it when no choice is under way. */
  dispose(): void {
    if (this.#sampler) this.#samplers.give(this.#sampler);
    this.#sampler = undefined;
  }

  #samplerAfter(tokens: readonly number[]): NativeSampler {
    const isFirst = this.#sampler === undefined;
    this.#sampler ??= this.#samplers.take();
    if (punishes(this.#config)) {
      const repeatPenaltyTokens = Uint32Array.from(tokens.slice(-PENALTY_TOKENS));
      this.#sampler.applyConfig({ ...this.#config, repeatPenaltyTokens });
    } else if (isFirst) this.#sampler.applyConfig(this.#config);
    return this.#sampler;
  }
}

function punishes(config: SamplerConfig): boolean {
  const { repeatPenalty, repeatPenaltyFrequencyPenalty, repeatPenaltyPresencePenalty } = config;
  return repeatPenalty !== 1 || !!repeatPenaltyFrequencyPenalty || !!repeatPenaltyPresencePenalty;
}

/**
 * Native samplers, used again from answer to answer; none carries anything over. node-llama-cpp 3.22.1
 * keeps the candidates of a disposed one, 12 bytes a token of the vocabulary, until V8 collects its
 * wrapper, of whose size V8 knows nothing: the engine's memory grew by 22 MiB in 10,000 answers of 32
 * clients, and stays level with this.
 */
export class SamplerPool {
  readonly #native: Native;
  readonly #idle: NativeSampler[] = [];

  constructor(native: Native) {
    this.#native = native;
  }

  take(): NativeSampler {
    return this.#idle.pop() ?? this.#native.createSampler();
  }

  /** Takes back a sampler that is not at work. */
  give(sampler: NativeSampler): void {
    // What a config does not name is freed, but not the state of random numbers: it is made anew
    // when the seed differs from the one before, and here the second of two must differ.
    for (const seed of [0, 1]) sampler.applyConfig({ temperature: 0, seed });
    this.#idle.push(sampler);
  }
}

async function withinGrammar(chosen: Promise<number>): Promise<number> {
  const startedAt = performance.now();
  const tokenId = await chosen.catch((cause: Error) => {
    if (!/empty grammar stack/.test(cause.message)) throw cause;
    throw grammarError('no token of this model continues the text as it asks', cause);
  });
  if (performance.now() - startedAt < LONGEST_GRAMMAR_MS) return tokenId;
  throw grammarError('it is too ambiguous to be followed in time; let each text have one reading');
}

function grammarError(reason: string, cause?: unknown): EngineError {
  const message = `the grammar cannot be used: ${reason}`;
  return new EngineError({ code: 'bad-request', message }, { cause });
}

function samplerConfig(sampling: Sampling, grammarState: object | undefined): SamplerConfig {
  const all = { ...DEFAULT_SAMPLING, ...sampling };
  const { temperature, topP, topK, minP, repeatPenalty, frequencyPenalty, presencePenalty } = all;
  return {
    temperature,
    topP,
    topK,
    minP,
    seed: sampling.seed ?? Math.floor(Math.random() * (2 ** 32 - 1)),
    repeatPenalty,
    repeatPenaltyMaxTokens: PENALTY_TOKENS,
    repeatPenaltyFrequencyPenalty: frequencyPenalty,
    repeatPenaltyPresencePenalty: presencePenalty,
    ...biases(sampling.logitBias ?? {}),
    ...(grammarState && { grammarEvaluationState: grammarState }),
  };
}

function biases(logitBias: Record<number, number>): Partial<SamplerConfig> {
  const pairs = Object.entries(logitBias);
  if (pairs.length === 0) return {};
  return {
    tokenBiasKeys: Uint32Array.from(pairs, ([tokenId]) => Number(tokenId)),
    tokenBiasValues: Float32Array.from(pairs, ([, bias]) =>
      bias <= FORBIDDING_BIAS ? Number.NEGATIVE_INFINITY : bias,
    ),
  };
}

/** Reads what the model's softmax says of tokens; one for all answers, it keeps no state. */
export class LogprobReader {
  readonly #native: Native;
  readonly #tokenText: TokenText;
  readonly #sampler: NativeSampler;
  /** Ends with the read before: two threads at once in one native sampler crash the process. */
  #lastRead: Promise<unknown> = Promise.resolve();

  constructor(native: Native, tokenText: TokenText) {
    this.#native = native;
    this.#tokenText = tokenText;
    this.#sampler = native.createSampler();
    this.#sampler.applyConfig({ temperature: 0 });
  }

  /** The chosen token and the `nTop` likeliest, from the logits at `batchIndex`. */
  read(batchIndex: number, tokenId: number, nTop: number): Promise<TokenLogprobs> {
    const read = this.#lastRead.then(() => this.#readNow(batchIndex, tokenId, nTop));
    this.#lastRead = read.catch(() => {});
    return read;
  }

  async #readNow(batchIndex: number, tokenId: number, nTop: number): Promise<TokenLogprobs> {
    const { context } = this.#native;
    const most = Math.max(1, nTop);
    const filter: [number[], boolean, boolean, boolean, number] = [
      [tokenId],
      false,
      false,
      false,
      most,
    ];
    const found = await context.sampleToken(batchIndex, this.#sampler, false, false, filter, true);
    const [, , , pairs, weight] = found;
    return this.#describe(tokenId, nTop, pairs, weight);
  }

  /** `pairs`: the likeliest tokens first, the chosen one among them or after them. */
  #describe(tokenId: number, nTop: number, pairs: number[], weight: number): TokenLogprobs {
    const logits: { tokenId: number; logit: number }[] = [];
    for (let i = 0; i + 1 < pairs.length; i += 2)
      logits.push({ tokenId: pairs[i] as number, logit: pairs[i + 1] as number });
    const logSum = (logits[0]?.logit ?? 0) + Math.log(weight);
    const entry = (id: number, logit: number): TokenLogprob => ({
      tokenId: id,
      token: this.#tokenText.piece(id),
      logprob: logit - logSum,
    });
    const top = distinct(logits).slice(0, nTop);
    const chosen = logits.find((item) => item.tokenId === tokenId);
    return {
      ...entry(tokenId, chosen?.logit ?? Number.NEGATIVE_INFINITY),
      top: top.map((item) => entry(item.tokenId, item.logit)),
    };
  }
}

function distinct<Item extends { tokenId: number }>(items: Item[]): Item[] {
  const seen = new Set<number>();
  return items.filter((item) => !seen.has(item.tokenId) && seen.add(item.tokenId));
}
