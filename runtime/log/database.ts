// Opens the SQLite file of the log, for its one writer or for a reader.
// WAL, so that readers never hold up the writer; every other setting says below why it is so.
import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { LogError, toLogError } from './log-error.js';
import { migrate, pendingMigrations } from './migrations.js';

/** At opening nothing is waiting for us, so another program may take its time. */
const OPEN_WAIT_MS = 5_000;
/** A write blocks the event loop; a longer lock is waited for in the queue instead. */
const WRITE_WAIT_MS = 20;
/** The write-ahead log is cut back to this after a long reader has let it grow. */
const WAL_LIMIT_BYTES = 16 * 2 ** 20;
/** better-sqlite3 would keep 16 MB of the file, which a log fills within ten thousand answers. */
const CACHE_KIB = 2048;

/** Opens the log for writing: makes folders and file, brings the schema up. Throws {@link LogError}. */
export function openForWriting(file: string): Database.Database {
  return open(file, () => {
    makeFolders(path.dirname(file));
    const db = new Database(file, { timeout: OPEN_WAIT_MS });
    closedOnError(db, () => {
      configure(db);
      migrate(db);
      db.pragma(`busy_timeout = ${WRITE_WAIT_MS}`);
    });
    return db;
  });
}

/** Opens an existing log read-only; an older one is brought up first. Throws {@link LogError}. */
export function openForReading(file: string): Database.Database {
  if (!existsSync(file))
    throw new LogError(
      `there is no log at ${file} yet; hearth chat and hearth serve write one with their first answer`,
    );
  return open(file, () => {
    const db = openReader(file);
    const isOlder = closedOnError(db, () => pendingMigrations(db).length > 0);
    if (!isOlder) return db;
    db.close();
    openForWriting(file).close();
    return openReader(file);
  });
}

function openReader(file: string): Database.Database {
  const db = new Database(file, { readonly: true, timeout: OPEN_WAIT_MS });
  closedOnError(db, () => db.pragma(`cache_size = -${CACHE_KIB}`));
  return db;
}

/** One by one: Node's own `recursive` never returns where a system's folder takes none (/proc). */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  makeFolders(path.dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function configure(db: Database.Database): void {
  // Before the first page is written, or pruning could never give space back.
  db.pragma('auto_vacuum = INCREMENTAL');
  if (db.pragma('journal_mode = WAL', { simple: true }) !== 'wal')
    throw new LogError(
      `the log ${db.name} is on a file system without shared memory (a network mount?); name a local file with --log`,
    );
  // A commit is written to the system at once, which outlives this process, and waits for no
  // disk; wal-flush.ts brings it onto the disk right after, off the main thread.
  db.pragma('synchronous = NORMAL');
  db.pragma('foreign_keys = ON');
  db.pragma(`journal_size_limit = ${WAL_LIMIT_BYTES}`);
  db.pragma(`cache_size = -${CACHE_KIB}`);
}

function open(file: string, make: () => Database.Database): Database.Database {
  try {
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
      throw new LogError(`${file} is a folder; name a file in it with --log`);
    return make();
  } catch (error) {
    throw toLogError(file, error);
  }
}

function closedOnError<T>(db: Database.Database, use: () => T): T {
  try {
    return use();
  } catch (error) {
    db.close();
    throw error;
  }
}
