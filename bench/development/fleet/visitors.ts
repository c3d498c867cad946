// People who ask replicas behind a balancer: each keeps its cookie, as a browser does, for a few
// questions, and then somebody new comes. Of every answer it is known whose it was, or would have been.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answered, streamChat, user } from '../serve/client.js';

const ANSWER_TOKENS = 60;
const QUESTIONS_A_VISIT = 4;
/** As a client waits that was told to ask again. */
const RETRY_MS = 200;

/** `replica` is a name in haproxy.cfg; null where the balancer did not say and no cookie told it. */
export type Asked = { answer: Answered; replica: string | null };

/** Asks until `signal` aborts, and adds each answer to `asked` when it has ended. */
export async function visit(url: string, place: number, asked: Asked[], signal: AbortSignal) {
  for (let visitor = 0; !signal.aborted; visitor++) {
    let cookie: string | null = null;
    for (let i = 0; i < QUESTIONS_A_VISIT && !signal.aborted; i++) {
      const messages = user(`${place}.${visitor}.${i}: what does E17 mean?`);
      const answer = await streamChat({ url, messages, maxTokens: ANSWER_TOKENS, cookie });
      asked.push({ answer, replica: replicaOf(answer) ?? replicaOfCookie(cookie) });
      cookie = cookieOf(answer) ?? cookie;
      if (!isWhole(answer)) await sleep(RETRY_MS);
    }
  }
}

/** What the balancer had set; null where the client's own stands. */
export function cookieOf({ headers }: Answered): string | null {
  return headers['set-cookie']?.[0]?.split(';')[0] ?? null;
}

/** By the header that haproxy.cfg adds, to its own errors, too. */
export function replicaOf({ headers }: Answered): string | null {
  const name = headers['x-hearth-replica'];
  return typeof name === 'string' && name.startsWith('replica-') ? name : null;
}

function replicaOfCookie(cookie: string | null): string | null {
  const [, number] = /=r(\d)$/.exec(cookie ?? '') ?? [];
  return number === undefined ? null : `replica-${number}`;
}

export function isWhole({ status, error, isDone, tokens }: Answered): boolean {
  return status === 200 && error === null && isDone && tokens === ANSWER_TOKENS;
}
