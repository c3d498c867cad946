// Conversations as JSON, to be kept and read again: the page's own export, of this version or before.
// A file comes from anywhere: every field is checked and copied, what is unknown is left behind.
// It says why a file cannot be read, in one of a few kinds; what to tell a person is the page's business.
import { FAILURE_KINDS, field } from '../shared/server-error.js';
import type { AnswerState, AnswerTurn, Attachment, Conversation, Turn } from './conversation.js';
import type { AnswerFigures } from './figures.js';
import { readSettingsValue } from './settings.js';

const FORMAT = 'hearth-conversations';
/** 1 was one conversation, its turns in a row; it had no mark of its format. */
const VERSION = 2;
const MAX_TURNS = 10_000;

export type FileProblem =
  /** No JSON, or JSON of something else. */
  | { kind: 'not-json' }
  | { kind: 'other-program'; program: 'ChatGPT' | 'Open WebUI' | null }
  | { kind: 'newer'; version: number }
  /** `where`: which field. */
  | { kind: 'damaged'; where: string };

export class ConversationFileError extends Error {
  override readonly name = 'ConversationFileError';
  readonly problem: FileProblem;

  constructor(problem: FileProblem) {
    super(problem.kind);
    this.problem = problem;
  }
}

export function toFile(conversations: readonly Conversation[]): string {
  return JSON.stringify({ format: FORMAT, version: VERSION, conversations }, null, 2);
}

/** Throws {@link ConversationFileError}. */
export function readFile(text: string): Conversation[] {
  const value = parse(text);
  if (field(value, 'format') === FORMAT) return readCurrent(value);
  if (Array.isArray(field(value, 'turns')) && field(value, 'settings') !== undefined)
    return [readConversation(value)];
  throw new ConversationFileError({ kind: 'other-program', program: programOf(value) });
}

/** One conversation of this version or before. Throws {@link ConversationFileError}. */
export function readConversation(value: unknown): Conversation {
  const found = field(value, 'turns');
  if (!Array.isArray(found) || found.length > MAX_TURNS) throw damaged('turns');
  const turns: Turn[] = [];
  const ids = new Set<string>();
  for (const turn of found) {
    turns.push(readTurn(turn, ids, turns.at(-1)?.id ?? null));
    ids.add(text(turn, 'id'));
  }
  const lastId = field(value, 'lastId');
  const last = turns.find(({ id }) => id === lastId) ?? turns.at(-1);
  const id = text(value, 'id');
  // It stands in the page's address.
  if (!/^[0-9a-f]{1,64}$/.test(id)) throw damaged('id');
  return {
    id,
    title: text(value, 'title').slice(0, 200),
    updatedAtMs: number(value, 'updatedAtMs'),
    settings: readSettingsValue(field(value, 'settings')),
    turns,
    lastId: last?.id ?? null,
  };
}

function readCurrent(file: unknown): Conversation[] {
  const version = field(file, 'version');
  if (typeof version === 'number' && version > VERSION)
    throw new ConversationFileError({ kind: 'newer', version });
  const conversations = field(file, 'conversations');
  if (!Array.isArray(conversations)) throw damaged('conversations');
  return conversations.map(readConversation);
}

/** `ids`: of the turns in front of it in the file; one that names no parent follows the last of them. */
function readTurn(value: unknown, ids: ReadonlySet<string>, lastId: string | null): Turn {
  const parentId = readParent(value, ids, lastId);
  const id = text(value, 'id');
  if (ids.has(id)) throw damaged('turns.id');
  const base = { id, parentId, text: text(value, 'text') };
  const kind = field(value, 'kind');
  if (kind === 'user')
    return { kind, ...base, attachments: readAttachments(field(value, 'attachments')) };
  if (kind === 'answer') return { kind, ...base, ...readAnswer(value) };
  throw damaged('turns.kind');
}

/** A turn's parent stands before it, so a file can hold no circle. */
function readParent(
  value: unknown,
  ids: ReadonlySet<string>,
  lastId: string | null,
): string | null {
  const parentId = field(value, 'parentId');
  if (parentId === undefined) return lastId;
  if (parentId === null) return null;
  if (typeof parentId === 'string' && ids.has(parentId)) return parentId;
  throw damaged('turns.parentId');
}

function readAttachments(value: unknown): Attachment[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw damaged('turns.attachments');
  return value.map((item) => ({ name: text(item, 'name'), text: text(item, 'text') }));
}

function readAnswer(value: unknown): Pick<AnswerTurn, 'state' | 'model' | 'figures'> {
  const model = field(value, 'model');
  return {
    state: readState(field(value, 'state')),
    model: typeof model === 'string' ? model : null,
    figures: readFigures(field(value, 'figures')),
  };
}

/** An answer that was under way when it was written will not come any more. */
function readState(value: unknown): AnswerState {
  const kind = field(value, 'kind');
  if (kind === 'done') return { kind, finishReason: text(value, 'finishReason') };
  if (kind !== 'failed') return { kind: 'stopped' };
  const failure = field(value, 'failure');
  const known = FAILURE_KINDS.find((name) => name === field(failure, 'kind'));
  return { kind, failure: { kind: known ?? 'broken', message: text(failure, 'message') } };
}

/** Only numbers pass; the figures that are missing are null. */
function readFigures(value: unknown): AnswerFigures | null {
  if (typeof value !== 'object' || value === null) return null;
  const at = (name: keyof AnswerFigures) => {
    const found = field(value, name);
    return typeof found === 'number' && Number.isFinite(found) ? found : null;
  };
  return {
    isOfPage: field(value, 'isOfPage') === true,
    tokensPerSecond: at('tokensPerSecond'),
    ttftMs: at('ttftMs'),
    queueMs: at('queueMs'),
    promptMs: at('promptMs'),
    generationMs: at('generationMs'),
    promptTokens: at('promptTokens'),
    cachedTokens: at('cachedTokens'),
    generatedTokens: at('generatedTokens'),
    contextUsed: at('contextUsed'),
    nCtx: at('nCtx'),
    peakRssBytes: at('peakRssBytes'),
    devicePeakBytes: at('devicePeakBytes'),
    droppedTurns: at('droppedTurns') ?? 0,
    droppedTokens: at('droppedTokens') ?? 0,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConversationFileError({ kind: 'not-json' });
  }
}

/** Whose file it is, as far as its shape tells. */
function programOf(value: unknown): 'ChatGPT' | 'Open WebUI' | null {
  const first = Array.isArray(value) ? value[0] : value;
  if (field(first, 'mapping') !== undefined) return 'ChatGPT';
  if (field(field(first, 'chat'), 'history') !== undefined) return 'Open WebUI';
  return null;
}

function text(value: unknown, name: string): string {
  const found = field(value, name);
  if (typeof found === 'string') return found;
  throw damaged(name);
}

function number(value: unknown, name: string): number {
  const found = field(value, name);
  if (typeof found === 'number' && Number.isFinite(found)) return found;
  throw damaged(name);
}

function damaged(where: string): ConversationFileError {
  return new ConversationFileError({ kind: 'damaged', where });
}
