// What a conversation is: its turns, its settings, and what each answer took.
// Plain data, kept in the browser as it is and exported as JSON.
import type { Failure } from '../shared/server-error.js';
import type { AnswerFigures } from './figures.js';

export type UserTurn = { kind: 'user'; id: string; text: string };

export type AnswerTurn = {
  kind: 'answer';
  id: string;
  text: string;
  state: AnswerState;
  model: string | null;
  figures: AnswerFigures | null;
};

export type AnswerState =
  /** Sent, nothing came yet. */
  | { kind: 'waiting' }
  /** Sent; the model is being loaded, 0 to 1. */
  | { kind: 'loading'; progress: number | null }
  | { kind: 'writing' }
  /** `finishReason` as in OpenAI's API: stop, length. */
  | { kind: 'done'; finishReason: string }
  | { kind: 'stopped' }
  | { kind: 'failed'; failure: Failure };

export type Turn = UserTurn | AnswerTurn;

/** Names as in the API; one that is missing is left to the server. */
export type SamplingSettings = Partial<
  Record<
    'temperature' | 'top_p' | 'top_k' | 'min_p' | 'repeat_penalty' | 'max_tokens' | 'seed',
    number
  >
>;

export type Settings = { system: string; sampling: SamplingSettings };

export type Conversation = {
  id: string;
  title: string;
  updatedAtMs: number;
  settings: Settings;
  turns: Turn[];
};

export const UNTITLED = 'New conversation';
const TITLE_LENGTH = 60;

export function newConversation(settings: Settings): Conversation {
  return {
    id: randomId(),
    title: UNTITLED,
    updatedAtMs: Date.now(),
    settings: structuredClone(settings),
    turns: [],
  };
}

export function newUserTurn(text: string): UserTurn {
  return { kind: 'user', id: randomId(), text };
}

export function newAnswerTurn(): AnswerTurn {
  const state = { kind: 'waiting' } as const;
  return { kind: 'answer', id: randomId(), text: '', state, model: null, figures: null };
}

export function isUnderWay({ state }: AnswerTurn): boolean {
  return state.kind === 'waiting' || state.kind === 'loading' || state.kind === 'writing';
}

export function titleOf(text: string): string {
  const line = text.trim().split('\n', 1)[0]?.trim() ?? '';
  const letters = [...line];
  return letters.length <= TITLE_LENGTH ? line : `${letters.slice(0, TITLE_LENGTH - 1).join('')}…`;
}

/** 128 random bits in hexadecimal; randomUUID is missing on plain http to another machine. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
