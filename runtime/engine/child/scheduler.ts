// Continuous batching: one decode for all answers under way, each in its own sequence.
// Answers come and go between decodes; generating goes before prompts, and prompts share what is
// left of the batch evenly, so nobody waits for another's long prompt.

import type { Native } from '../../../llama/node-llama-internals.js';
import type { EngineFailure } from '../engine.js';
import { failureOf } from '../engine-error.js';
import type { Decoder } from './decoder.js';
import type { RunningAnswer } from './running-answer.js';
import type { LogprobReader } from './sampling.js';
import { chooseSlot, commonLength, type Slot } from './slot.js';
import type { Speculation } from './speculation.js';

export type SchedulerOptions = {
  native: Native;
  logprobs: LogprobReader;
  decoder: Decoder;
  /** Undefined where no other model drafts. */
  speculation: Speculation | undefined;
  parallel: number;
  nBatch: number;
  nCtx: number;
  /** Tokens that attention looks back, where that is bounded. */
  swaSize: number | undefined;
  /** Called after each decode and at each end: a good moment to send events. */
  onStep: () => void;
  onFailure: (answer: RunningAnswer, failure: EngineFailure) => void;
};

type BatchPart = {
  slot: Slot;
  answer: RunningAnswer;
  count: number;
  /** Tokens behind those that a draft model expects, in the cache until they turn out wrong. */
  drafted: readonly number[];
  /** Of the last token and of each drafted one; none where the prompt goes on. */
  logitIndexes: Uint32Array;
};

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly slots: readonly Slot[];
  #waiting: RunningAnswer[] = [];
  #tasks: (() => Promise<void>)[] = [];
  #stepWaiters: (() => void)[] = [];
  #isRunning = false;
  #uses = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.slots = Array.from({ length: options.parallel }, (_, id) => ({
      id,
      tokens: [],
      answer: undefined,
      lastUsed: 0,
    }));
  }

  get nCtx(): number {
    return this.#options.nCtx;
  }

  add(answer: RunningAnswer): void {
    this.#waiting.push(answer);
    this.#wake();
  }

  /** Runs between two decodes, when nothing else uses the native context. */
  exclusive<Result>(task: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#tasks.push(() => task().then(resolve, reject));
      this.#wake();
    });
  }

  /** Resolves after the next decode of answers. */
  nextStep(): Promise<void> {
    return new Promise((resolve) => this.#stepWaiters.push(resolve));
  }

  #wake(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    // Lets requests that arrive together start together.
    setImmediate(() => this.#run());
  }

  async #run(): Promise<void> {
    for (;;) {
      for (const task of this.#tasks.splice(0)) await task();
      this.#finishOver();
      this.#admit();
      if (this.slots.some((slot) => slot.answer)) await this.#step();
      else if (this.#tasks.length === 0) break;
    }
    this.#isRunning = false;
    this.#options.onStep();
  }

  #finishOver(): void {
    for (const slot of this.slots)
      if (slot.answer?.isOver) {
        slot.answer.finish(slot.tokens.length);
        slot.answer = undefined;
      }
  }

  #admit(): void {
    const left: RunningAnswer[] = [];
    for (const answer of this.#waiting) {
      const slot = chooseSlot(this.slots, answer.prompt);
      if (answer.isOver) answer.finish(0);
      else if (slot) this.#start(slot, answer);
      else left.push(answer);
    }
    this.#waiting = left;
  }

  #start(slot: Slot, answer: RunningAnswer): void {
    const alone = this.slots.every((other) => !other.answer);
    // The last token of the prompt is always evaluated: its logits are not kept.
    const common = Math.min(commonLength(slot.tokens, answer.prompt), answer.prompt.length - 1);
    this.truncate(slot, common);
    slot.answer = answer;
    slot.lastUsed = ++this.#uses;
    answer.start(slot.id, slot.tokens.length, { alone });
  }

  /** Keeps the first `length` tokens of a slot, or none where its memory cannot keep a part. */
  truncate(slot: Slot, length: number): void {
    if (length >= slot.tokens.length) return;
    const { context } = this.#options.native;
    const kept =
      length > 0 &&
      this.#reaches(slot, length) &&
      context.removeTokenCellsFromSequence(slot.id, length, -1);
    if (kept) slot.tokens.length = length;
    else this.clear(slot);
  }

  clear(slot: Slot): void {
    this.#options.native.context.disposeSequence(slot.id);
    slot.tokens.length = 0;
  }

  /** Whether the cache still holds what attention at position `length` looks back to. */
  #reaches(slot: Slot, length: number): boolean {
    const { native, swaSize } = this.#options;
    if (!swaSize) return true;
    const oldest = native.context.getSequenceKvCacheMinPosition(slot.id);
    return oldest <= Math.max(0, length - swaSize);
  }

  async #step(): Promise<void> {
    const startedAt = performance.now();
    const writing = this.#loneWriter();
    const drafted = writing ? await this.#draft(writing) : [];
    const parts = this.#compose(drafted);
    try {
      await this.decode(parts.reduce((sum, { count }) => sum + count, drafted.length));
    } catch (cause) {
      for (const { slot } of parts) this.#fail(slot, failureOf(cause, 'internal'));
      return;
    }
    for (const { slot, answer, count } of parts) {
      for (let i = 0; i < count; i++) slot.tokens.push(answer.pending[i] as number);
      answer.pending = answer.pending.slice(count);
      answer.progress();
    }
    const taken = await Promise.all(parts.map((part) => this.#sample(part)));
    if (writing) this.#options.speculation?.record(taken[0] ?? 0, performance.now() - startedAt);
    for (const waiter of this.#stepWaiters.splice(0)) waiter();
    this.#options.onStep();
  }

  /** Computes the batch of `nTokens` that was composed. */
  decode(nTokens: number): Promise<void> {
    return this.#options.decoder.decode(nTokens);
  }

  /** Several answers share a batch, which is full without drafts, and would draft one after the other. */
  #loneWriter(): Slot | undefined {
    const [slot, ...others] = this.slots.filter(({ answer }) => answer);
    const isWriting = slot?.answer && slot.answer.generatedTokens > 0;
    return isWriting && others.length === 0 ? slot : undefined;
  }

  async #draft(slot: Slot): Promise<number[]> {
    const { speculation, nBatch, nCtx } = this.#options;
    const room = Math.min(nBatch, nCtx - slot.tokens.length) - 1;
    const answer = slot.answer as RunningAnswer;
    return (await speculation?.draft(slot, answer, room)) ?? [];
  }

  #compose(drafted: readonly number[]): BatchPart[] {
    const { native, nBatch } = this.#options;
    const counts = shareBatch(this.slots, nBatch);
    const total = [...counts.values()].reduce((sum, count) => sum + count, drafted.length);
    native.context.initBatch(total);
    return Array.from(counts, ([slot, count]) => {
      const answer = slot.answer as RunningAnswer;
      const isWhole = count === answer.pending.length;
      const tokens = [...answer.pending.slice(0, count), ...drafted];
      const wanted = isWhole ? tokens.map((_, i) => i).slice(count - 1) : [];
      const logitIndexes = native.context.addToBatch(
        slot.id,
        slot.tokens.length,
        Uint32Array.from(tokens),
        Uint32Array.from(wanted),
      );
      return { slot, answer, count, drafted, logitIndexes };
    });
  }

  /** Returns how many tokens the answer got: one, and another for each drafted one that was right. */
  async #sample({ slot, answer, drafted, logitIndexes }: BatchPart): Promise<number> {
    let [taken, right] = [0, 0];
    try {
      for (const logitIndex of logitIndexes) {
        if (answer.isOver) break;
        const tokenId = await this.#choose(slot, answer, logitIndex);
        const isRight = tokenId === drafted[taken++];
        if (isRight) right++;
        if (!isRight || answer.isOver) break;
        slot.tokens.push(tokenId);
      }
      if (drafted.length > 0) this.#settle(slot, answer, { drafted: drafted.length, right });
    } catch (cause) {
      this.#fail(slot, failureOf(cause, 'internal'));
    }
    return taken;
  }

  /** Drafted tokens that were wrong leave the cache. */
  #settle(slot: Slot, answer: RunningAnswer, draft: { drafted: number; right: number }): void {
    this.#options.native.context.removeTokenCellsFromSequence(slot.id, slot.tokens.length, -1);
    answer.countDraft(draft.drafted, draft.right);
  }

  async #choose(slot: Slot, answer: RunningAnswer, logitIndex: number): Promise<number> {
    const tokenId = await answer.chooser.choose(logitIndex, slot.tokens);
    if (tokenId < 0) throw new Error('llama.cpp chose no token: this model cannot generate text');
    const { topLogprobs } = answer;
    const logprobs =
      topLogprobs === undefined
        ? undefined
        : await this.#options.logprobs.read(logitIndex, tokenId, topLogprobs);
    answer.accept(tokenId, logprobs, slot.tokens.length);
    return tokenId;
  }

  #fail(slot: Slot, failure: EngineFailure): void {
    const { answer } = slot;
    this.clear(slot);
    slot.answer = undefined;
    if (!answer) return;
    answer.chooser.dispose();
    this.#options.onFailure(answer, failure);
  }
}

/** Tokens of each busy slot in the next batch: one for each that generates, the rest shared. */
function shareBatch(slots: readonly Slot[], nBatch: number): Map<Slot, number> {
  const busy = slots.filter((slot) => slot.answer);
  const pending = (slot: Slot): number => slot.answer?.pending.length ?? 0;
  const byLength = [...busy].sort((a, b) => pending(a) - pending(b));
  const counts = new Map<Slot, number>();
  let room = nBatch;
  byLength.forEach((slot, index) => {
    const count = Math.min(pending(slot), Math.floor(room / (byLength.length - index)));
    room -= count;
    if (count > 0) counts.set(slot, count);
  });
  return counts;
}
