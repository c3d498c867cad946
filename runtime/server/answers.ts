// From a checked request to its events: one answer, or `n` of them decoded side by side.
// The first event is awaited before anything is sent, so that a refusal still has its status.
import type { EndEvent, GenerateEvent, GenerateRequest } from '../engine/engine.js';
import { NATIVE_SEEDS } from './limits.js';
import { badRequest, deadlinePassed, shuttingDown } from './openai-error.js';
import type { RequestedModel } from './requested-model.js';
import type { Service } from './service.js';

export type ChoiceEvent = { index: number; event: GenerateEvent };

type Events = AsyncGenerator<GenerateEvent, void, undefined>;
type ChoiceEvents = AsyncGenerator<ChoiceEvent, void, undefined>;

/** Starts the answers; rejects when the first thing that happens is a failure. */
export async function startAnswers(
  service: Service,
  model: RequestedModel,
  requests: GenerateRequest[],
  endpoint: string,
): Promise<ChoiceEvents> {
  checkCount(model, requests.length);
  const { underWay, waitedMs } = model;
  const { abort } = underWay;
  const choices = requests.map((request) => {
    const { overflow, deadlineMs } = service;
    const left = deadlineMs === null ? {} : { deadlineMs: Math.max(0, deadlineMs - waitedMs) };
    const full = { overflow, ...left, ...request };
    return model.recorder.generate(full, { signal: abort.signal, endpoint, waitedMs });
  });
  const events = merged(service, choices, abort);
  const first = await events.next();
  underWay.hasBegun = true;
  if (!first.done && first.value.event.kind === 'end') {
    await events.return();
    refuseLate(first.value.event);
  }
  return resumed(first, events);
}

/** `n` requests that differ only by their seed. */
export function choicesOf(request: GenerateRequest, n: number): GenerateRequest[] {
  const seed = request.sampling?.seed;
  return Array.from({ length: n }, (_, i) => {
    if (seed === undefined || i === 0) return request;
    return { ...request, sampling: { ...request.sampling, seed: (seed + i) % NATIVE_SEEDS } };
  });
}

/** Answers that find no place even in an empty queue; trying again would not help. */
function checkCount({ engine, settings: { maxQueue } }: RequestedModel, count: number): void {
  if (maxQueue === undefined || engine.info === null) return;
  const most = engine.info.parallel + maxQueue;
  if (count <= most) return;
  throw badRequest(`${count} answers were asked for, but hearth takes ${most} at a time`, 'n');
}

/** One choice that fails, or is left, takes the others with it. */
async function* merged(service: Service, choices: Events[], abort: AbortController): ChoiceEvents {
  const paces = choices.map(() => service.metrics.pace());
  const ask = async (index: number) => ({ index, next: await choices[index]?.next() });
  const waiting = new Map(choices.map((_, index) => [index, ask(index)]));
  try {
    while (waiting.size > 0) {
      const { index, next } = await Promise.race(waiting.values());
      waiting.delete(index);
      if (!next || next.done) continue;
      paces[index]?.(next.value);
      yield { index, event: next.value };
      waiting.set(index, ask(index));
    }
  } finally {
    leaveAll(choices, [...waiting.values()]);
    abort.abort();
  }
}

/** What the others still say is of no use to anyone; their rows are written all the same. */
function leaveAll(choices: Events[], waiting: Promise<unknown>[]): void {
  const leaving = choices.map((choice) => choice.return(undefined));
  void Promise.allSettled([...waiting, ...leaving]);
}

async function* resumed(
  first: IteratorResult<ChoiceEvent, void>,
  rest: ChoiceEvents,
): ChoiceEvents {
  try {
    if (first.done) return;
    yield first.value;
    yield* rest;
  } finally {
    await rest.return();
  }
}

/** An answer that ends without having started waited too long, or was cut by a shutdown. */
function refuseLate({ stopReason }: EndEvent): void {
  if (stopReason === 'deadline') throw deadlinePassed();
  if (stopReason === 'abort') throw shuttingDown();
}
