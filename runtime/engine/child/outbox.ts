// Messages to the parent, gathered so that fast models do not pay for one message a token.
// The first is sent at once and what follows within a few milliseconds together, so a slow
// model's tokens are never held back.
import type { GenerateEvent, TokenEvent } from '../engine.js';
import type { FromChild } from '../engine-protocol.js';

/** Far below what a reader sees, far above what a message costs. */
const GATHER_MS = 10;

type Sent = Extract<FromChild, { kind: 'events' }>['events'][number];

export class Outbox {
  readonly #send: (message: FromChild) => void;
  #events: Sent[] = [];
  #lastSentAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (message: FromChild) => void) {
    this.#send = send;
  }

  /** Adds an event; it leaves with the next {@link flush}. */
  event(id: number, slotId: number, event: GenerateEvent): void {
    const last = this.#events.findLast((sent) => sent.id === id);
    if (event.kind === 'token' && last?.event.kind === 'token') append(last.event, event);
    else this.#events.push({ id, slotId, event });
  }

  /** Sends what was gathered: now, or soon after the message before. */
  flush(): void {
    if (this.#events.length === 0) return;
    const wait = this.#lastSentAt + GATHER_MS - performance.now();
    if (wait <= 0 || this.#events.some((sent) => sent.event.kind !== 'token')) this.#sendEvents();
    else this.#timer ??= setTimeout(() => this.#sendEvents(), wait);
  }

  message(message: FromChild): void {
    this.#sendEvents();
    this.#send(message);
  }

  #sendEvents(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#events.length === 0) return;
    this.#lastSentAt = performance.now();
    this.#send({ kind: 'events', events: this.#events });
    this.#events = [];
  }
}

function append(event: TokenEvent, next: TokenEvent): void {
  event.text += next.text;
  event.tokenIds.push(...next.tokenIds);
  if (next.logprobs) event.logprobs = [...(event.logprobs ?? []), ...next.logprobs];
  if (next.timings) event.timings = next.timings;
}
