// What a conversation is: its turns, its settings, and what each answer took.
// Plain data, kept in the browser as it is and exported as JSON. Turns form a tree: a question that
// was edited and an answer that was asked for again stand beside what they came from.
import type { Failure } from '../shared/server-error.js';
import { texts } from '../texts/texts.js';
import type { AnswerFigures } from './figures.js';

/** Text that came out of a file; the file itself is not kept. */
export type Attachment = { name: string; text: string };

export type UserTurn = {
  kind: 'user';
  id: string;
  /** The turn before it; null for the first. */
  parentId: string | null;
  text: string;
  attachments: Attachment[];
};

export type AnswerTurn = {
  kind: 'answer';
  id: string;
  parentId: string | null;
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

export type Settings = {
  system: string;
  sampling: SamplingSettings;
  /** By its name, where several are offered. */
  model?: string;
};

export type Conversation = {
  id: string;
  /** Empty until something was asked. */
  title: string;
  updatedAtMs: number;
  settings: Settings;
  /** In the order in which they were made, of all branches. */
  turns: Turn[];
  /** Where the branch that is shown ends. */
  lastId: string | null;
};

const TITLE_LENGTH = 60;

export function newConversation(settings: Settings): Conversation {
  return {
    id: randomId(),
    title: '',
    updatedAtMs: Date.now(),
    settings: structuredClone(settings),
    turns: [],
    lastId: null,
  };
}

export function newUserTurn(
  parentId: string | null,
  text: string,
  attachments: Attachment[],
): UserTurn {
  return { kind: 'user', id: randomId(), parentId, text, attachments };
}

export function newAnswerTurn(parentId: string | null): AnswerTurn {
  const state = { kind: 'waiting' } as const;
  return { kind: 'answer', id: randomId(), parentId, text: '', state, model: null, figures: null };
}

export function isUnderWay({ state }: Pick<AnswerTurn, 'state'>): boolean {
  return state.kind === 'waiting' || state.kind === 'loading' || state.kind === 'writing';
}

/** Whether the model could go on with it: it has words, and something cut it short. */
export function isCutShort({ text, state }: AnswerTurn): boolean {
  const isDone = state.kind === 'done' && state.finishReason !== 'length';
  return text !== '' && !isDone && !isUnderWay({ state });
}

export function titleOf(text: string): string {
  const line = text.trim().split('\n', 1)[0]?.trim() ?? '';
  const letters = [...line];
  return letters.length <= TITLE_LENGTH ? line : `${letters.slice(0, TITLE_LENGTH - 1).join('')}…`;
}

export function shownTitle({ title }: Conversation): string {
  return title === '' ? texts.list.untitled : title;
}

/** 128 random bits in hexadecimal; randomUUID is missing on plain http to another machine. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
