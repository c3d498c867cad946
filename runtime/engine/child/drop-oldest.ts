// Fits a conversation into the context by leaving out its oldest turns, and counts them.
// Whole turns go, never the system prompt nor the last user message, so that what is left reads as
// a conversation. The caller checks whether the rest fits: the last turn alone may be too long.
import type { NativeModel } from '../../../llama/node-llama-internals.js';
import type { ChatMessage } from '../engine.js';
import type { Conversation } from './chat-template.js';

export type Prompt = { tokens: number[]; droppedTurns: number; droppedTokens: number };

/** No vocabulary in use has a token of more characters than this. */
export const MAX_TOKEN_CHARS = 256;

export type DropOptions = {
  conversation: Conversation;
  /** Tokens that the prompt may have so that an answer has room as well. */
  room: number;
  /** Tokens are left out in multiples of this, in whole turns. */
  step: number;
  native: NativeModel;
  tokenize: (conversation: Conversation) => number[];
};

/**
 * Drops no turn where all fit. Else the fewest that save enough, rounded up to whole steps: the turns
 * that follow then leave out the same ones and find the rest in the KV cache, until a step is full.
 */
export function dropOldest({ conversation, room, step, native, tokenize }: DropOptions): Prompt {
  const { system, turns } = splitTurns(conversation.messages);
  const without = (dropped: number): number[] =>
    tokenize({ ...conversation, messages: [...system, ...turns.slice(dropped).flat()] });
  const hopeless = hopelessTurns(turns, room);
  const all = without(hopeless);
  const total = contentTokens(native, turns.slice(0, hopeless)) + all.length;
  const excess = Math.max(0, total - room);
  const wanted = total - step * Math.ceil(excess / step);
  const [droppedTurns, tokens] =
    excess === 0 ? [0, all] : fewestDropped(without, hopeless, turns.length - 1, wanted);
  return { tokens, droppedTurns, droppedTokens: total - tokens.length };
}

/** By bisection between a number of turns and another; the latter where none is enough. */
function fewestDropped(
  without: (dropped: number) => number[],
  least: number,
  most: number,
  wanted: number,
): [dropped: number, tokens: number[]] {
  let [low, high, tokens] = [least, most, without(most)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const longer = without(middle);
    if (longer.length > wanted) low = middle + 1;
    else [high, tokens] = [middle, longer];
  }
  return [high, tokens];
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

/** Tokens of turns that are too many to render. */
function contentTokens(native: NativeModel, turns: ChatMessage[][]): number {
  let count = 0;
  for (const { content } of turns.flat()) count += native.tokenize(content, false).length;
  return count;
}
