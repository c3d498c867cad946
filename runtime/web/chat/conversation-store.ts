// The conversations of this browser, and the one that is shown.
// Views listen and draw; every change goes through here and is kept in the database.
// An answer that grows is kept every second, not at every token.
import {
  type AnswerTurn,
  type Conversation,
  newConversation,
  randomId,
  type Settings,
} from './conversation.js';
import type { ConversationDb } from './conversation-db.js';

export type StoreChange =
  /** Another conversation or branch is shown, or its turns were added or removed. */
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
    return new ConversationStore(db, await db.all(), settings);
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

  /** Whether there is such a conversation. */
  show(id: string): boolean {
    const found = this.list.find((conversation) => conversation.id === id);
    if (found && found !== this.shown) this.#show(found);
    return found !== undefined;
  }

  change(conversation: Conversation, apply: (conversation: Conversation) => void): void {
    apply(conversation);
    if (conversation.turns.length > 0) this.#moveToFront(conversation);
    this.#tell({ kind: 'list' });
    if (conversation === this.shown) this.#tell({ kind: 'shown' });
    this.#keep(conversation);
  }

  /** A change of what is shown only, such as another branch: the list keeps its order. */
  look(conversation: Conversation, apply: (conversation: Conversation) => void): void {
    apply(conversation);
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

  /** Adds conversations from elsewhere; one whose id is taken becomes one more. Shows the first, and resolves when all are kept. */
  async add(conversations: readonly Conversation[]): Promise<void> {
    const taken = new Set(this.list.map(({ id }) => id));
    for (const conversation of conversations) {
      if (taken.has(conversation.id)) conversation.id = randomId();
      taken.add(conversation.id);
    }
    this.list = [...conversations, ...this.list];
    this.#show(conversations[0] ?? this.shown);
    await Promise.all(conversations.map((conversation) => this.#db.put(conversation)));
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
