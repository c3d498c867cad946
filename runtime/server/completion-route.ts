// What /v1/chat/completions and /v1/completions have in common: the route, the frame around choices,
// usage and timings. An answer as a stream and one as a whole are told from the same events, so that they
// cannot differ. Fields are named as OpenAI and llama-server name them; hearth's own are under `hearth`.
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type {
  EndEvent,
  EngineInfo,
  GenerateEvent,
  GenerateRequest,
  StartEvent,
  StopReason,
} from '../engine/engine.js';
import { type ChoiceEvent, startAnswers } from './answers.js';
import { checkModel } from './models.js';
import { errorBody, toApiError } from './openai-error.js';
import { type CommonFields, prepareFields } from './request-fields.js';
import type { Service } from './service.js';

/** What differs between the two. */
export type CompletionKind<Fields extends CommonFields> = {
  path: string;
  schema: object;
  idPrefix: string;
  /** OpenAI's names of an answer and of a part of one. */
  object: string;
  chunkObject: string;
  /** Whether all choices are of one prompt, which then counts once, as with OpenAI. */
  sharesPrompt: boolean;
  /** Throws ApiError. */
  read: (
    fields: Fields,
    info: EngineInfo | null,
  ) => { requests: GenerateRequest[]; newChoice: () => Choice };
};

/** One of the answers to a request: its own fields, without index and finish reason. */
export type Choice = {
  /** In a chunk before the first event, and in that of the end. */
  readonly opening: object | null;
  readonly closing: object;
  add(event: GenerateEvent): object[];
  whole(): object;
  finishReason(reason: 'stop' | 'length'): string;
};

export function completionRoute<Fields extends CommonFields>(
  app: FastifyInstance,
  service: Service,
  kind: CompletionKind<Fields>,
): void {
  app.post(kind.path, {
    schema: { body: kind.schema },
    preValidation: async (request) => prepareFields(request.body),
    handler: async (request, reply) => {
      const fields = request.body as Fields;
      checkModel(service, fields.model);
      const { requests, newChoice } = kind.read(fields, service.engine.info);
      const events = await startAnswers(service, reply, requests, kind.path);
      const answer = new Completion(service, kind, requests.map(newChoice));
      if (fields.stream) {
        const withUsage = fields.stream_options?.include_usage ?? false;
        return sendEvents(reply, chunks(answer, events, withUsage));
      }
      for await (const event of events) answer.add(event);
      return answer.whole();
    },
  });
}

async function* chunks(
  answer: Completion,
  events: AsyncIterable<ChoiceEvent>,
  withUsage: boolean,
): AsyncGenerator<object> {
  const usage = withUsage ? { usage: null } : {};
  for (const chunk of answer.opening()) yield { ...chunk, ...usage };
  for await (const event of events)
    for (const chunk of answer.add(event)) yield { ...chunk, ...usage };
  if (withUsage) yield answer.usageChunk();
}

type Frame = Omit<CompletionKind<CommonFields>, 'path' | 'schema' | 'read'>;

class Completion {
  readonly #frame: Frame;
  readonly #head: Record<string, unknown>;
  readonly #told: { choice: Choice; start: StartEvent | null; end: EndEvent | null }[];

  constructor(service: Service, frame: Frame, choices: Choice[]) {
    this.#frame = frame;
    this.#head = {
      id: `${frame.idPrefix}-${randomUUID()}`,
      object: frame.object,
      created: Math.floor(Date.now() / 1000),
      model: service.modelId,
      system_fingerprint: service.engine.info?.llamaCppRelease ?? null,
    };
    this.#told = choices.map((choice) => ({ choice, start: null, end: null }));
  }

  opening(): object[] {
    return this.#told.flatMap(({ choice: { opening } }, index) =>
      opening ? this.#chunk([{ index, ...opening, finish_reason: null }]) : [],
    );
  }

  add({ index, event }: ChoiceEvent): object[] {
    const told = this.#told[index];
    if (!told) return [];
    if (event.kind === 'start') told.start = event;
    const chunks = told.choice
      .add(event)
      .map((fields) => this.#chunk([{ index, ...fields, finish_reason: null }]));
    if (event.kind !== 'end') return chunks;
    told.end = event;
    const finish_reason = this.#finishReason(index);
    const last = this.#chunk(
      [{ index, ...told.choice.closing, finish_reason }],
      this.#report(index),
    );
    return [...chunks, last];
  }

  usageChunk(): object {
    return this.#chunk([], { usage: this.#usage() });
  }

  whole(): object {
    const choices = this.#told.map(({ choice }, index) => {
      return { index, ...choice.whole(), finish_reason: this.#finishReason(index) };
    });
    return { ...this.#head, choices, usage: this.#usage(), ...this.#report(0) };
  }

  #chunk(choices: object[], more: object = {}): object {
    return { ...this.#head, object: this.#frame.chunkObject, choices, ...more };
  }

  #finishReason(index: number): string | null {
    const { choice, end } = this.#told[index] ?? {};
    return choice && end ? choice.finishReason(finishReason(end.stopReason)) : null;
  }

  #report(index: number): object {
    const { start = null, end } = this.#told[index] ?? {};
    return end ? { timings: timings(end), hearth: hearthFields(start, end) } : {};
  }

  #usage(): object {
    const all = this.#told.flatMap(({ end }) => end?.timings ?? []);
    const prompts = this.#frame.sharesPrompt ? all.slice(0, 1) : all;
    const prompt = prompts.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
    const cached = prompts.reduce((sum, { cachedTokens }) => sum + cachedTokens, 0);
    const completion = all.reduce((sum, { generatedTokens }) => sum + generatedTokens, 0);
    return {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: prompt + completion,
      prompt_tokens_details: { cached_tokens: cached },
    };
  }
}

/** OpenAI knows fewer reasons; `hearth.stop_reason` has the exact one. */
function finishReason(stopReason: StopReason): 'stop' | 'length' {
  return stopReason === 'eos' || stopReason === 'stop' ? 'stop' : 'length';
}

/** As llama-server's: `prompt_n` are the tokens evaluated, those in the cache not included. */
function timings({ timings: t }: EndEvent): Record<string, number> {
  const promptN = t.promptTokens - t.cachedTokens;
  return {
    cache_n: t.cachedTokens,
    prompt_n: promptN,
    prompt_ms: t.promptMs,
    prompt_per_second: perSecond(promptN, t.promptMs),
    predicted_n: t.generatedTokens,
    predicted_ms: t.generationMs,
    predicted_per_second: perSecond(t.generatedTokens, t.generationMs),
    ttft_ms: t.ttftMs,
    queue_ms: t.queueMs,
    total_ms: t.totalMs,
  };
}

function perSecond(count: number, ms: number): number {
  return ms > 0 ? (count * 1000) / ms : 0;
}

function hearthFields(start: StartEvent | null, end: EndEvent): Record<string, unknown> {
  const { memory } = end;
  return {
    stop_reason: end.stopReason,
    stop_string: end.stopString ?? null,
    dropped_turns: start?.droppedTurns ?? 0,
    dropped_tokens: start?.droppedTokens ?? 0,
    memory: {
      rss_bytes: memory.rssBytes,
      peak_rss_bytes: memory.peakRssBytes,
      device_before_bytes: memory.deviceBeforeBytes,
      device_peak_bytes: memory.devicePeakBytes,
      device_after_bytes: memory.deviceAfterBytes,
      context_used: memory.contextUsed,
      n_ctx: memory.nCtx,
    },
  };
}

const NO_CHANCE = -9999;

/** JSON has no infinity; OpenAI writes -9999 for what has no chance at all. */
export function finite(logprob: number): number {
  return Number.isFinite(logprob) ? logprob : NO_CHANCE;
}

/** Server-sent events: one `data:` line of JSON an event, `[DONE]` after the last. */
function sendEvents(reply: FastifyReply, events: AsyncIterable<object>): FastifyReply {
  reply.header('content-type', 'text/event-stream; charset=utf-8');
  reply.header('cache-control', 'no-cache, no-transform');
  // Nginx would hold the answer back until it is whole.
  reply.header('x-accel-buffering', 'no');
  return reply.send(Readable.from(lines(reply, events), { objectMode: false }));
}

/** A failure after the first byte can have no status any more and is sent as an event. */
async function* lines(reply: FastifyReply, events: AsyncIterable<object>): AsyncGenerator<string> {
  try {
    for await (const event of events) yield `data: ${JSON.stringify(event)}\n\n`;
    yield 'data: [DONE]\n\n';
  } catch (error) {
    const failure = toApiError(error);
    if (failure.status === 500) reply.log.error(error);
    yield `data: ${JSON.stringify(errorBody(failure))}\n\n`;
  }
}
