// hearth serve on either processor, and what is asked of it: answers of temperature 0, token by token with its log
// probability.
import { HearthProcess } from '../../bench/development/serve/hearth-process.js';
import type { Arm64System } from './system.js';

/** One thread, so that sums are made in one order on each. */
const SETTING = { threads: 1, nCtx: 512, parallel: 1 };

export type ServerOptions = {
  modelPath: string;
  /** Path of the log where it runs, or none. */
  log?: string;
  more?: string[];
  /** The processor, if not the system's. */
  cpu?: string;
};

/** On the system, or on this machine. Killed when it is left. */
export function serve(system: Arm64System | null, { log, cpu, ...options }: ServerOptions) {
  const program = system && { program: system.words(['hearth'], cpu) };
  return HearthProcess.start({ ...SETTING, ...options, ...program, log: log ?? null });
}

export type Token = { token: string; logprob: number };
export type Answer = { text: string; tokens: Token[]; totalMs: number };

export async function ask(url: string, question: string, more: object = {}): Promise<Answer> {
  const response = await post(url, question, { logprobs: true, ...more });
  const { choices, timings } = (await response.json()) as {
    choices: [{ message: { content: string }; logprobs: { content: Token[] } }];
    timings: { total_ms: number };
  };
  const [{ message, logprobs }] = choices;
  return { text: message.content, tokens: logprobs.content, totalMs: timings.total_ms };
}

/** Resolves when its first words are here; it goes on without end. */
export async function beginAnswer(url: string, question: string): Promise<void> {
  const endless = { stream: true, max_tokens: 400, grammar: 'root ::= "a" root' };
  const reader = (
    (await post(url, question, endless)).body as ReadableStream<Uint8Array>
  ).getReader();
  for (let text = ''; !/"content":"[^"]/.test(text); ) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the answer ended with: ${text}`);
    text += Buffer.from(value).toString();
  }
  // It breaks off when the server is killed.
  reader.closed.catch(() => {});
}

async function post(url: string, question: string, more: object): Promise<Response> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ temperature: 0, max_tokens: 24, messages: [{ role: 'user', content: question }] },
      ...more,
    }),
  });
  if (response.status === 200) return response;
  throw new Error(`${response.status} ${await response.text()}`);
}
