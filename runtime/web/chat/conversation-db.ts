// Conversations in this browser's IndexedDB: one record each, by id.
// localStorage holds too little, and writes on the page's own time.
// Where the browser keeps nothing (private windows), conversations live as long as the page.
import type { Conversation, Turn } from './conversation.js';
import { readConversation } from './conversation-file.js';

export type ConversationDb = {
  /** The newest first. */
  all(): Promise<Conversation[]>;
  /** Turns that another tab has added meanwhile stay, as branches. */
  put(conversation: Conversation): Promise<void>;
  remove(id: string): Promise<void>;
};

const NAME = 'hearth';
const VERSION = 1;
const STORE = 'conversations';

export async function openConversationDb(): Promise<ConversationDb> {
  const db = await openDb().catch(() => null);
  const ask = async <T>(mode: IDBTransactionMode, run: (store: IDBObjectStore) => Promise<T>) =>
    db && run(db.transaction(STORE, mode).objectStore(STORE));
  const write = async (change: (store: IDBObjectStore) => Promise<unknown>) => {
    await ask('readwrite', change).catch(() => null);
  };
  return {
    async all() {
      const found: unknown[] = (await ask('readonly', (store) => resultOf(store.getAll()))) ?? [];
      return found.flatMap(readRecord).sort((a, b) => b.updatedAtMs - a.updatedAtMs);
    },
    put: (conversation) =>
      write(async (store) => {
        const before = resultOf(store.get(conversation.id));
        // At once, for a page that is left now.
        const kept = resultOf(store.put(conversation));
        const [stored] = readRecord(await before);
        const others = turnsOfOthers(stored?.turns ?? [], conversation);
        if (others.length === 0) return kept;
        const turns = [...conversation.turns, ...others];
        return resultOf(store.put({ ...conversation, turns }));
      }),
    remove: (id) => write((store) => resultOf(store.delete(id))),
  };
}

/** An answer without words is one that this page has dropped. */
function turnsOfOthers(stored: readonly Turn[], { turns }: Conversation): Turn[] {
  const known = new Set(turns.map(({ id }) => id));
  return stored.filter(({ id, kind, text }) => !known.has(id) && (kind === 'user' || text !== ''));
}

/** A record may be of an earlier version of the page; what cannot be read stays where it is. */
function readRecord(record: unknown): Conversation[] {
  try {
    return [readConversation(record)];
  } catch {
    return [];
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
