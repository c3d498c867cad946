// The history of the log's schema: named steps, each applied once, in order, in a transaction.
// Names rather than a number, so that a log that another branch of hearth wrote is told apart.
// It never goes back: a log with steps that this version does not know is refused.
import type { Database } from 'better-sqlite3';
import { ANSWERS_VIEW_SQL } from './answers-view-sql.js';
import { LogError } from './log-error.js';
import { OTLP_SQL } from './otlp-sql.js';
import { DRAFT_COLUMNS_SQL, MEASUREMENT_SQL, TABLES_SQL } from './tables-sql.js';

export type Migration = { name: string; sql: string };

/** Append only: logs in the field remember these names. */
export const MIGRATIONS: readonly Migration[] = [
  { name: '001-tables', sql: TABLES_SQL },
  { name: '002-answers-view', sql: ANSWERS_VIEW_SQL },
  { name: '003-measurements', sql: MEASUREMENT_SQL },
  { name: '004-model-id', sql: `DROP VIEW answers;${ANSWERS_VIEW_SQL}` },
  { name: '005-otlp', sql: OTLP_SQL },
  { name: '006-draft', sql: `DROP VIEW answers;${DRAFT_COLUMNS_SQL}${ANSWERS_VIEW_SQL}` },
];

/** `Hrth` in SQLite's header: `file log.db` tells it from any other database. */
const APPLICATION_ID = 0x48727468;

/**
 * Brings the schema of a writable `db` up to `migrations`.
 * Throws {@link LogError} for another program's database and for a newer hearth's.
 */
export function migrate(db: Database, migrations = MIGRATIONS): void {
  // IMMEDIATE takes the write lock first: two programs that start together migrate once.
  db.transaction(() => {
    const pending = pendingMigrations(db, migrations);
    if (pending.length === 0) return;
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.exec(
      'CREATE TABLE IF NOT EXISTS _migration (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT',
    );
    for (const migration of pending) apply(db, migration);
  }).immediate();
}

/** The steps that `db` still lacks. Throws {@link LogError} where it is not an older hearth log. */
export function pendingMigrations(db: Database, migrations = MIGRATIONS): readonly Migration[] {
  checkIsLog(db);
  const applied = appliedNames(db);
  const unknown = applied.find((name, index) => migrations[index]?.name !== name);
  if (unknown !== undefined)
    throw new LogError(
      `the log ${db.name} was written by a newer hearth (its schema has the step "${unknown}"); ` +
        'update hearth, or name another file with --log',
    );
  return migrations.slice(applied.length);
}

/** An empty file may become a log; somebody else's tables may not. */
function checkIsLog(db: Database): void {
  if (db.pragma('application_id', { simple: true }) === APPLICATION_ID) return;
  if (db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0) return;
  throw new LogError(`${db.name} is the database of another program; name another file with --log`);
}

function appliedNames(db: Database): string[] {
  const exists = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = '_migration'").get();
  if (!exists) return [];
  return db.prepare('SELECT name FROM _migration ORDER BY name').pluck().all() as string[];
}

function apply(db: Database, { name, sql }: Migration): void {
  db.exec(sql);
  db.prepare('INSERT INTO _migration VALUES (?, ?)').run(name, new Date().toISOString());
}
