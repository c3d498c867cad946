// One answer from POST /v1/chat/completions, streamed, as a few kinds of events.
// Overflow drops the oldest turns, as in the terminal, and the answer says so.
import { ask } from '../shared/server-client.js';
import { errorOfEvent, ServerError } from '../shared/server-error.js';
import type { Settings, Turn, UserTurn } from './conversation.js';
import { type AnswerFigures, readFigures } from './figures.js';
import { modelFor } from './models.js';

export type CompletionEvent =
  | { kind: 'text'; text: string; model: string | null }
  | { kind: 'finish'; finishReason: string }
  | { kind: 'figures'; figures: AnswerFigures };

/**
 * Events up to the end of the answer to these turns; where the last of them is an answer with words, of what
 * goes on from there. Throws {@link ServerError}, also when it breaks off.
 */
export async function* complete(
  turns: readonly Turn[],
  settings: Settings,
  signal: AbortSignal,
): AsyncGenerator<CompletionEvent> {
  const body = requestBody(turns, settings);
  const response = await ask('v1/chat/completions', { body, signal });
  if (!response.body) throw new ServerError('broken', 'the server sent no answer');
  for await (const data of guarded(readEvents(response.body), signal)) {
    if (data === '[DONE]') return;
    yield* eventsOf(parse(data));
  }
  throw new ServerError('broken', 'the connection ended in the middle of the answer');
}

function requestBody(turns: readonly Turn[], settings: Settings) {
  const system = settings.system.trim();
  const model = modelFor(settings);
  return {
    ...(model === null ? {} : { model }),
    messages: [
      ...(system === '' ? [] : [{ role: 'system', content: system }]),
      ...turns.flatMap(messageOf),
    ],
    ...settings.sampling,
    stream: true,
    stream_options: { include_usage: true },
    // An answer that is stopped has no end that could tell them.
    timings_per_token: true,
    overflow: 'drop-oldest',
  };
}

/** Nothing for an answer without text, such as the one that is asked for. */
function messageOf(turn: Turn) {
  if (turn.kind === 'user') return [{ role: 'user', content: contentOf(turn) }];
  return turn.text === '' ? [] : [{ role: 'assistant', content: turn.text }];
}

/** The files first, each as a block of code under its name, then what is asked about them. */
function contentOf({ text, attachments }: UserTurn): string {
  const files = attachments.map((file) => {
    const fence = fenceFor(file.text);
    return `${file.name}:\n${fence}\n${file.text}\n${fence}`;
  });
  return [...files, ...(text === '' ? [] : [text])].join('\n\n');
}

/** Longer than any row of backticks in the text, which could end the block otherwise. */
function fenceFor(text: string): string {
  const longest = (text.match(/`{3,}/g) ?? ['``']).reduce((a, b) => (a.length < b.length ? b : a));
  return `${longest}\``;
}

/** A connection that breaks throws a TypeError; make it say what that means. */
async function* guarded(events: AsyncIterable<string>, signal: AbortSignal) {
  try {
    yield* events;
  } catch (error) {
    if (signal.aborted || error instanceof ServerError) throw error;
    throw new ServerError('broken', `the connection was lost: ${String(error)}`);
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw new ServerError('broken', 'the server sent an event that is not JSON');
  }
}

function* eventsOf(event: unknown): Generator<CompletionEvent> {
  const error = errorOfEvent(event);
  if (error) throw error;
  const { choices, model } = event as CompletionChunk;
  const choice = choices?.[0];
  const text = choice?.delta?.content;
  if (typeof text === 'string' && text !== '') yield { kind: 'text', text, model: model ?? null };
  if (choice?.finish_reason) yield { kind: 'finish', finishReason: choice.finish_reason };
  const figures = readFigures(event);
  if (figures) yield { kind: 'figures', figures };
}

type CompletionChunk = {
  model?: string;
  choices?: { delta?: { content?: unknown }; finish_reason?: string | null }[];
};

/**
 * The data of each server-sent event, lines joined by newlines: EventSource cannot send a POST. Cancels the
 * response when left early.
 */
async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += decoder.decode(value, { stream: !done });
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? '';
      for (const block of blocks) yield* dataOf(block);
      if (done) break;
    }
    yield* dataOf(rest);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Nothing for a comment, such as a heartbeat. */
function* dataOf(block: string): Generator<string> {
  const lines = block.split(/\r?\n/).filter((line) => line.startsWith('data:'));
  if (lines.length > 0) yield lines.map((line) => line.slice(5).replace(/^ /, '')).join('\n');
}
