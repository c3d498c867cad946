// How an API sends the parts of an answer and its errors: server-sent events, with a name each or without,
// or lines of JSON. A failure after the first byte can have no status any more, and is sent as a part.
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { type ApiError, errorBody, toApiError } from './openai-error.js';

export type Api = {
  contentType: string;
  /** One part, as it stands in the stream. */
  part: (part: object) => string;
  /** After the last part of an answer that did not fail. */
  end: string;
  errorBody: (error: ApiError) => object;
  /** Statuses that this API has others for. */
  statuses?: Record<number, number>;
};

const EVENTS = 'text/event-stream; charset=utf-8';
const data = (part: object) => `data: ${JSON.stringify(part)}\n\n`;
const named = (part: object) => `event: ${Reflect.get(part, 'type')}\n${data(part)}`;

export const OPENAI: Api = { contentType: EVENTS, part: data, end: 'data: [DONE]\n\n', errorBody };

/** Of /v1/responses: every event has its name, and none is the last by itself. */
export const RESPONSES: Api = {
  contentType: EVENTS,
  part: (part) => ('type' in part ? named(part) : named({ type: 'error', ...part })),
  end: '',
  errorBody,
};

export const ANTHROPIC: Api = {
  contentType: EVENTS,
  part: named,
  end: '',
  errorBody: ({ status, message, extra }) => {
    const type = ANTHROPIC_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
    return { type: 'error', error: { type, message, ...extra } };
  },
  // What passes when one asks again: its clients do that at 529.
  statuses: { 503: 529 },
};

const ANTHROPIC_TYPES: Record<number, string> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

export const OLLAMA: Api = {
  contentType: 'application/x-ndjson',
  part: (part) => `${JSON.stringify(part)}\n`,
  end: '',
  errorBody: ({ message }) => ({ error: message }),
};

/** By path, as also what never reaches a route is answered in its API's form. */
export function apiOf(url: string): Api {
  if (/^\/v1\/messages(?:[/?]|$)/.test(url)) return ANTHROPIC;
  if (/^\/api\/(?:chat|generate|tags|show)(?:[/?]|$)/.test(url)) return OLLAMA;
  return OPENAI;
}

export function sendParts(
  reply: FastifyReply,
  api: Api,
  parts: AsyncIterable<object>,
): FastifyReply {
  reply.header('content-type', api.contentType);
  reply.header('cache-control', 'no-cache, no-transform');
  // Nginx would hold the answer back until it is whole.
  reply.header('x-accel-buffering', 'no');
  return reply.send(Readable.from(lines(reply, api, parts), { objectMode: false }));
}

async function* lines(
  reply: FastifyReply,
  api: Api,
  parts: AsyncIterable<object>,
): AsyncGenerator<string> {
  try {
    for await (const part of parts) yield api.part(part);
    if (api.end) yield api.end;
  } catch (error) {
    const failure = toApiError(error);
    if (failure.status === 500) reply.log.error(error);
    yield api.part(api.errorBody(failure));
  }
}
