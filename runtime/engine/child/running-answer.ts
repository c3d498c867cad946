// One answer under way: what is left of its prompt, what it has said, and why it ends.
// The scheduler feeds it tokens; it says whether to go on, and sends the events.
import type {
  GenerateEvent,
  GenerateRequest,
  StopReason,
  Timings,
  TokenLogprobs,
} from '../engine.js';
import { type AnswerClock, AnswerMemory, type DeviceMemory } from './answer-cost.js';
import { AnswerText, type Shown } from './answer-text.js';
import type { Prompt } from './prompt.js';
import type { TokenChooser } from './sampling.js';
import type { TokenText } from './token-text.js';

export type AnswerParts = {
  id: number;
  request: GenerateRequest;
  prompt: Prompt;
  chooser: TokenChooser;
  clock: AnswerClock;
  tokenText: TokenText;
  isEndOfGeneration: (tokenId: number) => boolean;
  trimStart: boolean;
  nCtx: number;
  device: DeviceMemory;
  /** What drafting gains at the moment; undefined where no model drafts. */
  draftGain: (() => number | null) | undefined;
  emit: (slotId: number, event: GenerateEvent) => void;
};

export class RunningAnswer {
  readonly id: number;
  readonly prompt: readonly number[];
  readonly chooser: TokenChooser;
  /** How many alternatives to report; undefined for no log-probabilities. */
  readonly topLogprobs: number | undefined;
  /** Tokens to decode next: the rest of the prompt, or the last token. */
  pending: number[] = [];
  readonly #parts: AnswerParts;
  readonly #text: AnswerText<TokenLogprobs | undefined>;
  readonly #deadlineAt: number;
  #slotId = -1;
  #cachedTokens = 0;
  #stopReason: StopReason | undefined;
  #stopString: string | undefined;
  #memory: AnswerMemory | undefined;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.prompt = parts.prompt.tokens;
    this.chooser = parts.chooser;
    this.topLogprobs = parts.request.topLogprobs;
    this.#text = new AnswerText<TokenLogprobs | undefined>(
      parts.tokenText,
      parts.request.stop ?? [],
      { trimStart: parts.trimStart, retext },
    );
    this.#deadlineAt = performance.now() + (parts.request.deadlineMs ?? Number.POSITIVE_INFINITY);
  }

  get generatedTokens(): number {
    return this.#parts.clock.generatedTokens;
  }

  /** How many more may be generated. */
  get tokensLeft(): number {
    const { maxTokens = Number.POSITIVE_INFINITY } = this.#parts.request;
    return maxTokens - this.generatedTokens;
  }

  /** Of `tokens` that were drafted for it, `acceptedTokens` were what it chose. */
  countDraft(tokens: number, acceptedTokens: number): void {
    this.#parts.clock.countDraft(tokens, acceptedTokens);
  }

  /** Starts on a slot that holds the first `cachedTokens` of the prompt. */
  start(slotId: number, cachedTokens: number, options: { alone: boolean }): void {
    const { clock, device, prompt } = this.#parts;
    this.#slotId = slotId;
    this.#cachedTokens = cachedTokens;
    this.pending = this.prompt.slice(cachedTokens);
    this.#memory = new AnswerMemory(device, options);
    clock.start();
    this.#emit({
      kind: 'start',
      promptTokens: this.prompt.length,
      cachedTokens,
      droppedTurns: prompt.droppedTurns,
      droppedTokens: prompt.droppedTokens,
      ...(prompt.opensThinking && { opensThinking: true }),
    });
    this.progress();
    if (this.#parts.request.maxTokens === 0) this.#stopReason = 'length';
  }

  /** Tells how much of the prompt is evaluated, where that was asked for. */
  progress(): void {
    if (!this.#parts.request.withProgress || this.generatedTokens > 0) return;
    const processedTokens = this.prompt.length - this.pending.length;
    this.#emit({ kind: 'progress', processedTokens, elapsedMs: this.#parts.clock.elapsedMs });
  }

  /** Takes the next token; `contextUsed` tokens are in the cache without it. */
  accept(tokenId: number, logprobs: TokenLogprobs | undefined, contextUsed: number): void {
    const { clock, isEndOfGeneration, nCtx } = this.#parts;
    clock.token();
    if (clock.generatedTokens === 1) this.#memory?.sample();
    if (isEndOfGeneration(tokenId)) {
      this.#stopReason ??= 'eos';
      return;
    }
    this.#say(this.#text.push(tokenId, logprobs));
    this.pending = [tokenId];
    if (this.#stopReason) return;
    if (this.tokensLeft <= 0) this.#stopReason = 'length';
    else if (contextUsed >= nCtx) this.#stopReason = 'context';
  }

  stop(stopReason: StopReason): void {
    this.#stopReason ??= stopReason;
  }

  /** Whether it is over, by its own doing, by its caller's, or by its deadline. */
  get isOver(): boolean {
    if (!this.#stopReason && performance.now() >= this.#deadlineAt) this.#stopReason = 'deadline';
    return this.#stopReason !== undefined;
  }

  /** Sends what is left, and the end. `contextUsed` tokens stay in the cache. */
  finish(contextUsed: number): void {
    if (this.#stopString === undefined) this.#say(this.#text.flush());
    this.chooser.dispose();
    const { device, nCtx } = this.#parts;
    const memory = this.#memory ?? new AnswerMemory(device, { alone: false });
    this.#emit({
      kind: 'end',
      stopReason: this.#stopReason ?? 'abort',
      ...(this.#stopString !== undefined && { stopString: this.#stopString }),
      timings: this.#timings(),
      memory: memory.read(contextUsed, nCtx),
    });
  }

  #say(shown: Shown<TokenLogprobs | undefined>): void {
    if (shown.stopString !== undefined) {
      this.#stopString = shown.stopString;
      this.#stopReason = 'stop';
    }
    if (shown.text === '' && shown.tokens.length === 0) return;
    const logprobs = shown.tokens.flatMap((token) => token.extra ?? []);
    this.#emit({
      kind: 'token',
      text: shown.text,
      tokenIds: shown.tokens.map((token) => token.tokenId),
      ...(this.topLogprobs !== undefined && { logprobs }),
      ...(this.#parts.request.withTimings && { timings: this.#timings() }),
    });
  }

  #timings(): Timings {
    const { clock, draftGain } = this.#parts;
    const timings = clock.timings(this.prompt.length, this.#cachedTokens);
    return draftGain ? { ...timings, draft: { ...clock.draft, gain: draftGain() } } : timings;
  }

  #emit(event: GenerateEvent): void {
    this.#parts.emit(this.#slotId, event);
  }
}

function retext(
  logprobs: TokenLogprobs | undefined,
  text: (alone: string) => string,
): TokenLogprobs | undefined {
  if (!logprobs) return undefined;
  const top = logprobs.top.map((entry) => ({ ...entry, token: text(entry.token) }));
  return { ...logprobs, token: text(logprobs.token), top };
}
