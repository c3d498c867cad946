// One exporter for each log, of however many servers share it: the system's own lock on a file beside it.
// SQLite takes that lock on every system, and a process that is killed lets go of it at once.
import Database from 'better-sqlite3';

/** Null where another process exports this log. Close it to let go. */
export function lockExport(logPath: string): { close(): void } | null {
  const db = new Database(`${logPath}-otlp`, { timeout: 0 });
  try {
    // No journal: nothing is ever written.
    db.pragma('journal_mode = OFF');
    db.exec('BEGIN EXCLUSIVE');
    return { close: () => db.close() };
  } catch (error) {
    db.close();
    if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY')) return null;
    throw error;
  }
}
