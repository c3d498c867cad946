// Fits a conversation into the context by leaving out its oldest turns, and counts them.
// Whole turns go, never the system prompt nor the last user message, so that what is left reads as
// a conversation. The caller checks whether the rest fits: the last turn alone may be too long.
import type { ChatInput, ChatMessage } from '../engine.js';
import type { Tokens } from './token-count.js';

export type Fitted = Tokens & { droppedTurns: number; droppedTokens: number };

/** No vocabulary in use has a token of more characters than this. */
export const MAX_TOKEN_CHARS = 256;

export type DropOptions = {
  conversation: ChatInput;
  /** Tokens that the prompt may have so that an answer has room as well. */
  room: number;
  /** Tokens are left out in multiples of this, in whole turns. */
  step: number;
  tokenize: (conversation: ChatInput) => Promise<Tokens>;
  count: (text: string) => Promise<number>;
};

/**
 * Drops no turn where all fit. Else the fewest that save enough, rounded up to whole steps: the turns
 * that follow then leave out the same ones and find the rest in the KV cache, until a step is full.
 */
export async function dropOldest(options: DropOptions): Promise<Fitted> {
  const { conversation, room, step, tokenize, count } = options;
  const { system, turns } = splitTurns(conversation.messages);
  const without = (dropped: number): Promise<Tokens> =>
    tokenize({ ...conversation, messages: [...system, ...turns.slice(dropped).flat()] });
  const hopeless = hopelessTurns(turns, room);
  const all = await without(hopeless);
  const total = (await contentTokens(count, turns.slice(0, hopeless))) + all.length;
  const excess = Math.max(0, total - room);
  const wanted = total - step * Math.ceil(excess / step);
  const [droppedTurns, kept] =
    excess === 0 ? [0, all] : await fewestDropped(without, hopeless, turns.length - 1, wanted);
  return { ...kept, droppedTurns, droppedTokens: total - kept.length };
}

/** By bisection between a number of turns and another; the latter where none is enough. */
async function fewestDropped(
  without: (dropped: number) => Promise<Tokens>,
  least: number,
  most: number,
  wanted: number,
): Promise<[dropped: number, kept: Tokens]> {
  let [low, high, kept] = [least, most, await without(most)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const longer = await without(middle);
    if (longer.length > wanted) low = middle + 1;
    else [high, kept] = [middle, longer];
  }
  return [high, kept];
}

/** The system messages at the start, then a turn from each user message to the next. */
function splitTurns(messages: ChatMessage[]): { system: ChatMessage[]; turns: ChatMessage[][] } {
  const firstOther = messages.findIndex((message) => message.role !== 'system');
  const start = firstOther < 0 ? messages.length : firstOther;
  const turns: ChatMessage[][] = [];
  for (const message of messages.slice(start)) {
    const current = turns.at(-1);
    if (!current || message.role === 'user') turns.push([message]);
    else current.push(message);
  }
  return { system: messages.slice(0, start), turns: turns.length > 0 ? turns : [[]] };
}

/** Turns that can surely not stay, so that they are never rendered: every message takes a token. */
function hopelessTurns(turns: ChatMessage[][], room: number): number {
  let least = 0;
  for (let index = turns.length - 1; index > 0; index--) {
    for (const { content } of turns[index] as ChatMessage[])
      least += Math.ceil(content.length / MAX_TOKEN_CHARS);
    if (least > room) return Math.min(index + 1, turns.length - 1);
  }
  return 0;
}

async function contentTokens(count: DropOptions['count'], turns: ChatMessage[][]): Promise<number> {
  let total = 0;
  for (const { content } of turns.flat()) total += await count(content);
  return total;
}
