// Requests from their arrival to their end: who waits, who is under way, and what they cost.
// The queue is on this side, so that requests that wait outlive the process that would answer them.
import { AnswerStream } from './answer-stream.js';
import { REACT_MS } from './child-watch.js';
import type {
  EndEvent,
  EngineFailure,
  GenerateEvent,
  GenerateRequest,
  Memory,
  SlotState,
  Timings,
} from './engine.js';
import { EngineError } from './engine-error.js';
import type { ToChild } from './engine-protocol.js';

type Request = {
  id: number;
  request: GenerateRequest;
  stream: AnswerStream;
  arrivedAt: number;
  queueMs: number;
  slotId: number;
  /** Counts what it has told, for an end that the child does not tell in time. */
  told: Timings;
  deadlineTimer: NodeJS.Timeout | undefined;
  stop: RequestStop | undefined;
};

type RequestStop = { reason: 'abort' | 'deadline'; timers: NodeJS.Timeout[] };

/**
 * A child that hears of a stop ends the request after the batch under way; on a CPU, one of a large
 * model takes a minute. The caller does not wait for that: whatever goes on, it is told its end.
 */
const END_MS = REACT_MS + 1000;

/**
 * A batch of 512 tokens at one every two seconds, which is slower than any board computes on which a
 * model is of use: what is at it for longer never ends, and its sequence is of no use any more.
 */
const STUCK_MS = 17 * 60_000;

/** The longest that a timer takes; a deadline that is later never passes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export type RequestsOptions = {
  maxQueue: number;
  send: (message: ToChild) => void;
  /** Called when an answer comes to its end, however it stopped. */
  onAnswered: () => void;
  /** Called when the child was told to stop a request. */
  onStop: () => void;
  /** Called when the child is at a request for so long that it never ends. */
  onStuck: (why: string) => void;
};

export class Requests {
  readonly #options: RequestsOptions;
  #waiting: Request[] = [];
  readonly #active = new Map<number, Request>();
  #nextId = 1;
  /** Sequences of the child; 0 while there is none that can answer. */
  #parallel = 0;
  #slots: SlotState[] = [];
  #onIdle: (() => void) | undefined;
  lastTokenAtMs: number | null = null;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  get slots(): SlotState[] {
    return this.#slots.map((slot) => ({ ...slot }));
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Throws `queue-full` where as many requests wait as may. */
  add(request: GenerateRequest, signal?: AbortSignal): AnswerStream {
    const mustWait = this.#active.size >= this.#parallel;
    if (mustWait && this.#waiting.length >= this.#options.maxQueue) throw this.#queueFull();
    const id = this.#nextId++;
    const abort = (): void => this.#abort(id, 'abort');
    const added: Request = {
      id,
      request,
      stream: new AnswerStream({
        onLeave: abort,
        onClosed: () => signal?.removeEventListener('abort', abort),
      }),
      arrivedAt: performance.now(),
      queueMs: 0,
      slotId: -1,
      told: neverStarted(0),
      deadlineTimer: undefined,
      stop: undefined,
    };
    if (mustWait) this.#startDeadline(added, request.deadlineMs);
    this.#waiting.push(added);
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    this.#dispatch();
    return added.stream;
  }

  /** A child is ready: what waits may start. */
  open(parallel: number): void {
    this.#parallel = parallel;
    this.#slots = Array.from({ length: parallel }, (_, id) => ({
      id,
      busy: false,
      contextUsed: 0,
      requestId: null,
    }));
    this.#dispatch();
  }

  /** The child is gone: what was under way fails; what waits does too if there is no hope. */
  lose(failure: EngineFailure, options: { forever: boolean }): void {
    this.#parallel = 0;
    this.#slots = [];
    const lost = [...this.#active.values(), ...(options.forever ? this.#waiting : [])];
    this.#active.clear();
    if (options.forever) this.#waiting = [];
    for (const request of lost) {
      clearTimers(request);
      request.stream.fail(new EngineError(failure));
    }
    this.#onIdle?.();
  }

  async abortAll(): Promise<void> {
    for (const { id } of [...this.#waiting, ...this.#active.values()]) this.#abort(id, 'abort');
    if (this.#active.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  event(id: number, slotId: number, event: GenerateEvent): void {
    const request = this.#active.get(id);
    if (!request) return;
    this.#follow(request, slotId, event);
    if (event.kind === 'end') this.#end(request, event);
    else request.stream.push(event);
  }

  /** The child counts from when it got the request; the caller waited longer. */
  #end(request: Request, event: EndEvent): void {
    const { queueMs } = request;
    const ttftMs = event.timings.ttftMs + queueMs;
    const totalMs = event.timings.totalMs + queueMs;
    request.stream.push({ ...event, timings: { ...event.timings, queueMs, ttftMs, totalMs } });
    this.#options.onAnswered();
    this.#release(request);
  }

  fail(id: number, failure: EngineFailure): void {
    const request = this.#active.get(id);
    if (!request) return;
    request.stream.fail(new EngineError(failure));
    this.#release(request);
  }

  #follow(request: Request, slotId: number, event: GenerateEvent): void {
    request.slotId = slotId;
    const slot = this.#slots[slotId];
    if (event.kind === 'token') this.lastTokenAtMs = Date.now();
    count(request, event);
    if (!slot) return;
    if (event.kind === 'start') {
      slot.busy = true;
      slot.requestId = request.id;
      slot.contextUsed = event.promptTokens;
    } else if (event.kind === 'token') slot.contextUsed += event.tokenIds.length;
    else if (event.kind === 'end') slot.contextUsed = event.memory.contextUsed;
  }

  #release(request: Request): void {
    this.#active.delete(request.id);
    clearTimers(request);
    const slot = this.#slots[request.slotId];
    if (slot) {
      slot.busy = false;
      slot.requestId = null;
    }
    if (this.#active.size === 0) this.#onIdle?.();
    this.#dispatch();
  }

  #dispatch(): void {
    while (this.#active.size < this.#parallel) {
      const next = this.#waiting.shift();
      if (!next) return;
      clearTimeout(next.deadlineTimer);
      next.queueMs = performance.now() - next.arrivedAt;
      const { deadlineMs } = next.request;
      const left =
        deadlineMs === undefined ? {} : { deadlineMs: Math.max(0, deadlineMs - next.queueMs) };
      this.#active.set(next.id, next);
      this.#startDeadline(next, left.deadlineMs);
      this.#options.send({ kind: 'generate', id: next.id, request: { ...next.request, ...left } });
    }
  }

  #startDeadline(request: Request, deadlineMs = Number.POSITIVE_INFINITY): void {
    if (deadlineMs > MAX_TIMER_MS) return;
    request.deadlineTimer = setTimeout(() => this.#abort(request.id, 'deadline'), deadlineMs);
  }

  /** The child keeps deadlines too, to the token; this holds whatever it is at. */
  #stop(request: Request, reason: RequestStop['reason']): void {
    if (request.stop) return;
    const why = `was for ${STUCK_MS / 60_000} min at a batch that does not end`;
    request.stop = {
      reason,
      timers: [
        setTimeout(() => endForCaller(request, reason), END_MS),
        setTimeout(() => this.#options.onStuck(why), STUCK_MS),
      ],
    };
    this.#options.send({ kind: 'stop', id: request.id, stopReason: reason });
    this.#options.onStop();
  }

  #abort(id: number, stopReason: RequestStop['reason']): void {
    const active = this.#active.get(id);
    if (active) this.#stop(active, stopReason);
    const index = this.#waiting.findIndex((request) => request.id === id);
    const [request] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (!request) return;
    clearTimeout(request.deadlineTimer);
    const queueMs = performance.now() - request.arrivedAt;
    request.stream.push({
      kind: 'end',
      stopReason,
      timings: neverStarted(queueMs),
      memory: NO_MEMORY,
    });
  }

  #queueFull(): EngineError {
    const { maxQueue } = this.#options;
    return new EngineError({
      code: 'queue-full',
      message: `all ${this.#parallel} sequences are busy and ${maxQueue} requests wait already; try again later`,
    });
  }
}

function count({ told, arrivedAt }: Request, event: GenerateEvent): void {
  if (event.kind === 'start') {
    told.promptTokens = event.promptTokens;
    told.cachedTokens = event.cachedTokens;
  } else if (event.kind === 'token') {
    if (told.generatedTokens === 0) told.ttftMs = performance.now() - arrivedAt;
    told.generatedTokens += event.tokenIds.length;
  }
}

/** Its sequence stays busy until the child has ended it, too. */
function endForCaller(
  { stream, arrivedAt, queueMs, told }: Request,
  reason: RequestStop['reason'],
): void {
  const totalMs = performance.now() - arrivedAt;
  const ttftMs = told.generatedTokens === 0 ? totalMs : told.ttftMs;
  const timings = { ...told, queueMs, ttftMs, totalMs };
  stream.push({ kind: 'end', stopReason: reason, timings, memory: NO_MEMORY });
}

function clearTimers({ deadlineTimer, stop }: Request): void {
  clearTimeout(deadlineTimer);
  for (const timer of stop?.timers ?? []) clearTimeout(timer);
}

function neverStarted(queueMs: number): Timings {
  return {
    queueMs,
    ttftMs: queueMs,
    promptTokens: 0,
    cachedTokens: 0,
    promptMs: 0,
    generatedTokens: 0,
    generationMs: 0,
    totalMs: queueMs,
    interTokenP50Ms: 0,
    interTokenP95Ms: 0,
    interTokenMaxMs: 0,
  };
}

const NO_MEMORY: Memory = {
  rssBytes: 0,
  peakRssBytes: 0,
  deviceBeforeBytes: null,
  devicePeakBytes: null,
  deviceAfterBytes: null,
  contextUsed: 0,
  nCtx: 0,
};
