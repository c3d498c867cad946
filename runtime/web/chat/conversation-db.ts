// Conversations in this browser's IndexedDB: one record each, by id.
// localStorage holds too little, and writes on the page's own time.
// Where the browser keeps nothing (private windows), conversations live as long as the page.
import type { Conversation } from './conversation.js';

export type ConversationDb = {
  /** The newest first. */
  all(): Promise<Conversation[]>;
  /** Whether it was kept. */
  put(conversation: Conversation): Promise<boolean>;
  remove(id: string): Promise<boolean>;
};

const NAME = 'hearth';
const VERSION = 1;
const STORE = 'conversations';

export async function openConversationDb(): Promise<ConversationDb> {
  const db = await openDb().catch(() => null);
  return db ? new IndexedConversations(db) : new ForgottenConversations();
}

class IndexedConversations implements ConversationDb {
  readonly #db: IDBDatabase;

  constructor(db: IDBDatabase) {
    this.#db = db;
  }

  async all(): Promise<Conversation[]> {
    const store = this.#db.transaction(STORE).objectStore(STORE);
    const found: Conversation[] = await resultOf(store.getAll());
    return found.sort((a, b) => b.updatedAtMs - a.updatedAtMs);
  }

  put(conversation: Conversation): Promise<boolean> {
    return this.#write((store) => store.put(conversation));
  }

  remove(id: string): Promise<boolean> {
    return this.#write((store) => store.delete(id));
  }

  async #write(request: (store: IDBObjectStore) => IDBRequest): Promise<boolean> {
    try {
      await resultOf(request(this.#db.transaction(STORE, 'readwrite').objectStore(STORE)));
      return true;
    } catch {
      return false;
    }
  }
}

class ForgottenConversations implements ConversationDb {
  all(): Promise<Conversation[]> {
    return Promise.resolve([]);
  }

  put(): Promise<boolean> {
    return Promise.resolve(false);
  }

  remove(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

function openDb(): Promise<IDBDatabase> {
  const request = indexedDB.open(NAME, VERSION);
  request.addEventListener('upgradeneeded', () => {
    request.result.createObjectStore(STORE, { keyPath: 'id' });
  });
  return resultOf(request);
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error));
  });
}
