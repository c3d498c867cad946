// The conversations of this browser, and the one that is shown.
// Views listen and draw; every change goes through here and is kept in the database.
// An answer that grows is kept every second, not at every token.
import {
  type AnswerTurn,
  type Conversation,
  isUnderWay,
  newConversation,
  type Settings,
} from './conversation.js';
import type { ConversationDb } from './conversation-db.js';

export type StoreChange =
  /** Another conversation is shown, or its turns were added or removed. */
  | { kind: 'shown' }
  /** Titles or order of the list. */
  | { kind: 'list' }
  | { kind: 'answer'; turn: AnswerTurn }
  /** Nothing more comes. */
  | { kind: 'answered'; turn: AnswerTurn };

const KEEP_EVERY_MS = 1000;

export class ConversationStore {
  readonly #db: ConversationDb;
  readonly #listeners = new Set<(change: StoreChange) => void>();
  readonly #keepTimers = new Map<string, number>();
  /** Newest first; a conversation is in it from its first turn on. */
  list: readonly Conversation[];
  shown: Conversation;

  static async open(db: ConversationDb, settings: Settings): Promise<ConversationStore> {
    const list = await db.all();
    for (const conversation of list) endCutAnswers(conversation);
    return new ConversationStore(db, list, settings);
  }

  private constructor(db: ConversationDb, list: Conversation[], settings: Settings) {
    this.#db = db;
    this.list = list;
    this.shown = newConversation(settings);
  }

  listen(listener: (change: StoreChange) => void): void {
    this.#listeners.add(listener);
  }

  startNew(settings: Settings): void {
    this.#show(newConversation(settings));
  }

  show(id: string): void {
    const found = this.list.find((conversation) => conversation.id === id);
    if (found && found !== this.shown) this.#show(found);
  }

  change(conversation: Conversation, apply: (conversation: Conversation) => void): void {
    apply(conversation);
    if (conversation.turns.length > 0) this.#moveToFront(conversation);
    this.#tell({ kind: 'list' });
    if (conversation === this.shown) this.#tell({ kind: 'shown' });
    this.#keep(conversation);
  }

  rename(conversation: Conversation, title: string): void {
    conversation.title = title;
    this.#keep(conversation);
    this.#tell({ kind: 'list' });
  }

  changeAnswer(conversation: Conversation, turn: AnswerTurn): void {
    this.#tell({ kind: 'answer', turn });
    if (!this.#keepTimers.has(conversation.id)) this.#keepSoon(conversation);
  }

  endAnswer(conversation: Conversation, turn: AnswerTurn): void {
    this.#tell({ kind: 'answer', turn });
    this.#tell({ kind: 'answered', turn });
    this.#keep(conversation);
  }

  remove(conversation: Conversation): void {
    this.list = this.list.filter((other) => other !== conversation);
    clearTimeout(this.#keepTimers.get(conversation.id));
    void this.#db.remove(conversation.id);
    this.#tell({ kind: 'list' });
    if (conversation === this.shown) this.startNew(conversation.settings);
  }

  #show(conversation: Conversation): void {
    this.shown = conversation;
    this.#tell({ kind: 'shown' });
    this.#tell({ kind: 'list' });
  }

  #moveToFront(conversation: Conversation): void {
    conversation.updatedAtMs = Date.now();
    this.list = [conversation, ...this.list.filter((other) => other !== conversation)];
  }

  #keepSoon(conversation: Conversation): void {
    const timer = setTimeout(() => this.#keep(conversation), KEEP_EVERY_MS);
    this.#keepTimers.set(conversation.id, timer);
  }

  #keep(conversation: Conversation): void {
    clearTimeout(this.#keepTimers.get(conversation.id));
    this.#keepTimers.delete(conversation.id);
    if (this.list.includes(conversation)) void this.#db.put(conversation);
  }

  #tell(change: StoreChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** The page that was receiving these answers is gone. */
function endCutAnswers(conversation: Conversation): void {
  for (const turn of conversation.turns)
    if (turn.kind === 'answer' && isUnderWay(turn)) turn.state = { kind: 'stopped' };
}
