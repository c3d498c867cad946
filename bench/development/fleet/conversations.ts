// A long conversation behind the balancer: its second turn is answered where its KV cache is, and so in a
// fraction of the first one's time, by the client's clock and by the replica's own.
import { median } from '../../median.js';
import { type Figure, figure } from '../figure.js';
import { type Message, streamChat, user } from '../serve/client.js';
import { cookieOf, replicaOf } from './visitors.js';

const CONVERSATIONS = 12;
/** Near 2,000 tokens: on a small model a short prompt takes no longer than its request. */
const REPEATS = 100;
const MAX_TOKENS = 8;

type Turn = { clientMs: number; serverMs: number };
type Turns = { first: Turn; second: Turn; isSame: boolean };
type Options = { isQuick: boolean; signal: AbortSignal };

/** One after the other: what is measured is the cache, not who else is waiting. */
export async function measureConversations(
  url: string,
  { isQuick, signal }: Options,
): Promise<Figure[]> {
  const all: Turns[] = [];
  for (let i = 0; i < (isQuick ? 3 : CONVERSATIONS); i++) {
    signal.throwIfAborted();
    all.push(await converse(url, i));
  }
  return describe(all);
}

async function converse(url: string, i: number): Promise<Turns> {
  const messages = user(`Of conversation ${i}: what does E17 mean on a dryer? `.repeat(REPEATS));
  const first = await streamChat({ url, messages, maxTokens: MAX_TOKENS });
  const answer: Message = { role: 'assistant', content: first.text };
  const then = [...messages, answer, ...user('And on a washer?')];
  const cookie = cookieOf(first);
  const second = await streamChat({ url, messages: then, maxTokens: MAX_TOKENS, cookie });
  const error = first.error ?? second.error;
  if (error !== null) throw new Error(`a turn failed: ${error}`);
  return {
    first: { clientMs: first.ttftMs, serverMs: first.serverTtftMs },
    second: { clientMs: second.ttftMs, serverMs: second.serverTtftMs },
    isSame: replicaOf(first) !== null && replicaOf(first) === replicaOf(second),
  };
}

function describe(all: Turns[]): Figure[] {
  const common = { part: 'replicas', model: 'appliance' };
  return [
    figure({
      ...common,
      what: 'conversations that left their replica',
      value: all.filter(({ isSame }) => !isSame).length,
      bar: { kind: 'at-most', value: 0 },
      details: { conversations: all.length },
    }),
    ...(['clientMs', 'serverMs'] as const).map((clock) => {
      const ratios = all.map(({ first, second }) => second[clock] / first[clock]);
      return figure({
        ...common,
        what: `TTFT of the second turn against the first, by the ${clock.replace('Ms', '')}'s clock`,
        value: median(ratios),
        bar: { kind: 'at-most', value: 0.2 },
        details: {
          first_ttft_ms: median(all.map(({ first }) => first[clock])),
          second_ttft_ms: median(all.map(({ second }) => second[clock])),
          worst: Math.max(...ratios),
        },
      });
    }),
  ];
}
