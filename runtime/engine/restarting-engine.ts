// The engine as its users have it: one model, whichever process holds it at the moment.
// Keeps a child alive, passes requests on, and turns every end of a child into a clear failure.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ChildEnd,
  describeDeath,
  type MemoryBefore,
  memoryBefore,
} from '../../llama/death.js';
import { AnswerStream } from './answer-stream.js';

import { EngineChild } from './child-process.js';
import { type ChildWatch, REACT_MS, watchChild } from './child-watch.js';
import type {
  ChatInput,
  Engine,
  EngineFailure,
  EngineInfo,
  EngineOptions,
  EngineState,
  GenerateEvent,
  GenerateInput,
  GenerateRequest,
  ModelFile,
  SlotState,
} from './engine.js';
import { EngineCalls } from './engine-calls.js';
import { EngineError } from './engine-error.js';
import type { Call, CallResults, FromChild } from './engine-protocol.js';
import { Requests } from './requests.js';
import { RestartPlan } from './restart-plan.js';

const DEFAULT_MAX_QUEUE = 64;

/** How long answers under way may take to stop when the engine closes. */
const CLOSE_MS = 1000;

export type EngineListeners = {
  /** Told what who runs the engine may want to know, such as that drafting was switched off. */
  onNotice?: (text: string) => void;
};

export class RestartingEngine implements Engine {
  state: EngineState = { kind: 'loading', progress: 0 };
  file: ModelFile | null = null;
  info: EngineInfo | null = null;
  readonly #options: EngineOptions;
  readonly #onNotice: (text: string) => void;
  readonly #requests: Requests;
  readonly #calls: EngineCalls;
  readonly #plan = new RestartPlan();
  readonly #listeners = new Set<(state: EngineState) => void>();
  #child: EngineChild | undefined;
  #watch: ChildWatch | undefined;
  /** Why this process ended the child; undefined where it did not. */
  #hang: string | undefined;
  #restarts = -1;
  #restartTimer: NodeJS.Timeout | undefined;
  #askedBytes: number | undefined;
  #before: MemoryBefore = memoryBefore();
  #loadFailure: EngineFailure | undefined;

  constructor(options: EngineOptions, { onNotice = () => {} }: EngineListeners = {}) {
    this.#options = options;
    this.#onNotice = onNotice;
    this.#calls = new EngineCalls({
      send: (message) => this.#child?.send(message),
      onLeave: () => this.#watch?.look(),
    });
    this.#requests = new Requests({
      maxQueue: options.maxQueue ?? DEFAULT_MAX_QUEUE,
      send: (message) => this.#child?.send(message),
      onAnswered: () => this.#plan.worked(),
      onStop: () => this.#watch?.look(),
      onStuck: (why) => this.#endHanging(why),
    });
    this.#start();
  }

  get restarts(): number {
    return Math.max(0, this.#restarts);
  }

  get lastTokenAtMs(): number | null {
    return this.#requests.lastTokenAtMs;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  ready({ signal }: { signal?: AbortSignal } = {}): Promise<EngineInfo> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const settle = (state: EngineState): void => {
        if (state.kind === 'loading' || state.kind === 'restarting') return;
        end();
        if (state.kind === 'ready' && this.info) resolve(this.info);
        else reject(this.#notReady());
      };
      const leave = (): void => {
        end();
        reject(signal?.reason);
      };
      const end = (): void => {
        this.#listeners.delete(settle);
        signal?.removeEventListener('abort', leave);
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#listeners.add(settle);
      settle(this.state);
    });
  }

  generate(
    request: GenerateRequest,
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncIterableIterator<GenerateEvent> {
    if (this.state.kind !== 'ready') return AnswerStream.failed(this.#notReady());
    try {
      return this.#requests.add(request, signal);
    } catch (thrown) {
      return AnswerStream.failed(thrown as EngineError);
    }
  }

  tokenize(
    text: string,
    { special = false, addBos = false }: { special?: boolean; addBos?: boolean } = {},
  ) {
    return this.#call({ method: 'tokenize', text, special, addBos });
  }

  detokenize(tokenIds: number[]) {
    return this.#call({ method: 'detokenize', tokenIds });
  }

  applyTemplate(conversation: ChatInput) {
    return this.#call({ method: 'applyTemplate', conversation });
  }

  countTokens(input: GenerateInput) {
    return this.#call({ method: 'countTokens', input });
  }

  embed(texts: string[]) {
    return this.#call({ method: 'embed', texts });
  }

  memory() {
    return this.#call({ method: 'memory' });
  }

  async probe({ signal }: { signal?: AbortSignal } = {}) {
    const result = await this.#call({ method: 'probe' }, signal);
    this.#requests.lastTokenAtMs = Date.now();
    return result;
  }

  saveSession(path: string) {
    return this.#call({ method: 'saveSession', path });
  }

  loadSession(path: string) {
    return this.#call({ method: 'loadSession', path });
  }

  slots(): SlotState[] {
    return this.#requests.slots;
  }

  get waiting(): number {
    return this.#requests.waiting;
  }

  onState(listener: (state: EngineState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.state.kind === 'closed') return;
    const wasReady = this.state.kind === 'ready';
    this.#setState({ kind: 'closed' });
    clearTimeout(this.#restartTimer);
    if (wasReady)
      await Promise.race([this.#requests.abortAll(), sleep(CLOSE_MS, undefined, { ref: false })]);
    const { failure } = this.#notReady();
    this.#requests.lose(failure, { forever: true });
    this.#calls.lose(failure);
    await this.#child?.end();
  }

  #start(): void {
    this.#restarts++;
    this.#loadFailure = undefined;
    this.#hang = undefined;
    this.#before = memoryBefore();
    this.#setState({ kind: 'loading', progress: 0 });
    const child = new EngineChild(this.#options, {
      onMessage: (message) => this.#receive(message),
      onEnd: (end) => this.#lose(child, end),
    });
    this.#child = child;
    this.#watch = watchChild({
      ask: () => child.send({ kind: 'ping' }),
      onHang: () =>
        this.#endHanging(`did not react for ${REACT_MS / 1000} s to an answer's abort or deadline`),
    });
  }

  #endHanging(why: string): void {
    this.#hang = why;
    void this.#child?.end();
  }

  #receive(message: FromChild): void {
    if (this.state.kind === 'closed' && message.kind !== 'events') return;
    switch (message.kind) {
      case 'file':
        this.file = message.file;
        this.#askedBytes = message.file.sizeBytes;
        this.#setState({ kind: 'loading', progress: 0 });
        break;
      case 'progress':
        this.#setState({ kind: 'loading', progress: message.progress });
        break;
      case 'ready':
        this.#becomeReady(message.info);
        break;
      case 'load-failed':
        this.#loadFailure = message.failure;
        void this.#child?.end();
        break;
      case 'events':
        for (const { id, slotId, event } of message.events) this.#requests.event(id, slotId, event);
        break;
      case 'answer-failed':
        this.#requests.fail(message.id, message.failure);
        break;
      case 'result':
        this.#calls.result(message.id, message.value);
        break;
      case 'call-failed':
        this.#calls.fail(message.id, message.failure);
        break;
      case 'alive':
        this.#watch?.alive();
        break;
      case 'log':
        break;
      case 'notice':
        this.#onNotice(message.text);
        break;
      default:
        throw new Error(`unknown message ${JSON.stringify(message satisfies never)}`);
    }
  }

  #becomeReady(info: EngineInfo): void {
    this.info = info;
    this.#askedBytes = info.weightsBytes + info.kvBytes + info.computeBytes;
    this.#plan.loaded();
    this.#setState({ kind: 'ready' });
    this.#requests.open(info.parallel);
  }

  #lose(child: EngineChild, end: ChildEnd): void {
    this.#watch?.alive();
    if (this.state.kind === 'closed') return;
    const nativeLog = child.log.lines;
    const failure = this.#loadFailure
      ? { ...this.#loadFailure, nativeLog }
      : describeDeath({
          code: this.state.kind === 'ready' ? 'engine-died' : 'load-failed',
          end,
          nativeLog,
          askedBytes: this.#askedBytes,
          before: this.#before,
          hang: this.#hang,
        });
    const next = this.#plan.next({ isRefused: this.#loadFailure !== undefined });
    this.#setState(next ? { kind: 'restarting', ...next, failure } : { kind: 'failed', failure });
    if (next) this.#restartTimer = setTimeout(() => this.#start(), next.pauseMs);
    this.#requests.lose(failure, { forever: !next });
    this.#calls.lose(failure);
  }

  #setState(state: EngineState): void {
    this.state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }

  async #call<Method extends Call['method']>(
    call: Extract<Call, { method: Method }>,
    signal?: AbortSignal,
  ): Promise<CallResults[Method]> {
    if (this.state.kind !== 'ready') throw this.#notReady();
    return this.#calls.call(call, signal);
  }

  #notReady(): EngineError {
    const state = this.state;
    switch (state.kind) {
      case 'failed':
        return new EngineError(state.failure);
      case 'closed':
        return new EngineError({ code: 'not-ready', message: 'the engine is closed' });
      case 'restarting':
        return new EngineError({
          code: 'not-ready',
          message: `the engine starts again in ${state.pauseMs} ms: ${state.failure.message}`,
        });
      case 'loading':
      case 'ready':
        return new EngineError({ code: 'not-ready', message: 'the engine loads its model' });
      default:
        throw new Error(`unknown state ${JSON.stringify(state satisfies never)}`);
    }
  }
}

/**
 * Starts a model in a process of its own. Returns at once, in the state `loading`; whether the
 * model can be loaded is told by `ready()`.
 */
export function startEngine(options: EngineOptions, listeners: EngineListeners = {}): Engine {
  return new RestartingEngine(options, listeners);
}
