// Server-sent events: one `data:` line of JSON an event, `[DONE]` after the last.
// A failure after the first byte can have no status any more and is sent as an event.
// Backpressure is the stream's: a slow reader buffers its own answer and holds up no other.
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { errorBody, toApiError } from './openai-error.js';

/** Sends `events`, each an object of JSON, as the reply. */
export function sendEvents(reply: FastifyReply, events: AsyncIterable<object>): FastifyReply {
  reply.header('content-type', 'text/event-stream; charset=utf-8');
  reply.header('cache-control', 'no-cache, no-transform');
  // Nginx would hold the answer back until it is whole.
  reply.header('x-accel-buffering', 'no');
  return reply.send(Readable.from(lines(reply, events), { objectMode: false }));
}

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
