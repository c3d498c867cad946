// A client of the chat API: streamed answers, timed as they arrive, or whole ones.
// Plain node:http with connections kept open, so that the client costs the server little of the
// machine that both share. Never throws for what the server answers; that is what is measured.
import http from 'node:http';
import { REPEATED_BIAS, REPEATED_TOKEN } from './setting.js';

export type Message = { role: 'user' | 'assistant'; content: string };

export type ChatOptions = {
  url: string;
  messages: Message[];
  maxTokens: number;
  /** Where several are served. */
  model?: string;
  /** What a balancer had set: keeps a conversation on its replica. */
  cookie?: string | null;
  /** Called at the first text. */
  onFirstText?: () => void;
};

export type Answered = {
  status: number;
  text: string;
  /** By the server's own count. */
  tokens: number;
  /** From the request to the first text, the last text, and the end of the response. */
  ttftMs: number;
  lastTextMs: number;
  totalMs: number;
  /** To the first token, by the server's own clock; 0 where it did not say. */
  serverTtftMs: number;
  /** What the server said instead of, or within, an answer. */
  error: string | null;
  retryAfterS: number;
  /** Whether it said that it was done; false where it broke off. */
  isDone: boolean;
  headers: http.IncomingHttpHeaders;
};

type Chunk = {
  choices?: { delta?: { content?: string }; message?: { content?: string } }[];
  usage?: { completion_tokens: number } | null;
  error?: { message: string };
  timings?: { ttft_ms: number };
};

const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

export function streamChat(options: ChatOptions): Promise<Answered> {
  return post(options, { stream: true, stream_options: { include_usage: true } });
}

export function wholeChat(options: ChatOptions): Promise<Answered> {
  return post(options, {});
}

export function user(content: string): Message[] {
  return [{ role: 'user', content }];
}

/** The one token that every answer repeats: never an end, and always text that can be seen. */
function body({ messages, maxTokens, model }: ChatOptions, more: object): string {
  const sampling = { temperature: 0, logit_bias: { [REPEATED_TOKEN]: REPEATED_BIAS } };
  return JSON.stringify({ model, messages, max_tokens: maxTokens, ...sampling, ...more });
}

function post(options: ChatOptions, more: object): Promise<Answered> {
  const reader = new AnswerReader(options.onFirstText ?? (() => {}));
  return new Promise((resolve) => {
    const failed = (error: Error) => resolve(reader.finish({ error: error.message }));
    const request = http.request(`${options.url}/v1/chat/completions`, {
      agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(options.cookie ? { cookie: options.cookie } : {}),
      },
    });
    request.once('error', failed);
    request.once('response', (response) => {
      const { statusCode: status = 0, headers } = response;
      reader.finish({ status, headers });
      response.setEncoding('utf8');
      response.on('data', (text: string) => reader.read(text));
      response.once('error', failed);
      response.once('end', () =>
        resolve(reader.finish({ status, retryAfterS: Number(headers['retry-after'] ?? 0) })),
      );
    });
    request.end(body(options, more));
  });
}

/** Reads events as they come, and JSON without events when it is whole. */
class AnswerReader {
  readonly #start = performance.now();
  readonly #onFirstText: () => void;
  readonly #answered: Answered = {
    ...{ status: 0, text: '', tokens: 0, error: null, retryAfterS: 0, isDone: false, headers: {} },
    ...{ ttftMs: 0, lastTextMs: 0, totalMs: 0, serverTtftMs: 0 },
  };
  #unread = '';

  constructor(onFirstText: () => void) {
    this.#onFirstText = onFirstText;
  }

  read(text: string): void {
    const events = (this.#unread + text).split('\n\n');
    this.#unread = events.pop() ?? '';
    for (const event of events)
      if (event === 'data: [DONE]') this.#answered.isDone = true;
      else this.#add(JSON.parse(event.slice('data: '.length)));
  }

  finish(more: Partial<Answered>): Answered {
    Object.assign(this.#answered, more);
    if (this.#unread.startsWith('{')) this.#add(JSON.parse(this.#unread));
    this.#answered.totalMs = performance.now() - this.#start;
    return this.#answered;
  }

  #add({ choices = [], usage, error, timings }: Chunk): void {
    const answered = this.#answered;
    if (error) answered.error = error.message;
    if (usage) answered.tokens = usage.completion_tokens;
    if (timings) answered.serverTtftMs = timings.ttft_ms;
    const text = choices[0]?.delta?.content ?? choices[0]?.message?.content ?? '';
    if (text === '') return;
    answered.lastTextMs = performance.now() - this.#start;
    if (answered.text === '') {
      answered.ttftMs = answered.lastTextMs;
      this.#onFirstText();
    }
    answered.text += text;
  }
}
