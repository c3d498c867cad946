// How much of the log is kept, and the pruning that sees to it, oldest rows first.
// A slice at a time with pauses between, so that pruning a year never holds up an answer.
// Runs, models and machines stay: they are few, and what is left refers to them.
import type { Database } from 'better-sqlite3';
import { parseDuration, parseSize, SizeError } from '../../terminal/units.js';
import { isoTime } from './columns.js';
import { LogQueryError } from './log-error.js';

export type Keep = { kind: 'age'; ageMs: number } | { kind: 'size'; sizeBytes: number };

const ROWS_A_SLICE = 500;
const PAGES_A_SLICE = 500;
const ROUND_MS = 3_600_000;
const PAUSE_MS = 50;

/** `90d` or `500MB`. Throws {@link LogQueryError}. */
export function parseKeep(text: string): Keep {
  const ageMs = parseDuration(text);
  if (ageMs !== null) return { kind: 'age', ageMs };
  try {
    return { kind: 'size', sizeBytes: parseSize(text) };
  } catch (error) {
    if (!(error instanceof SizeError)) throw error;
    throw new LogQueryError(
      `"${text}" is not how much of a log to keep; write an age such as 90d or a size such as 500MB`,
    );
  }
}

/** Deletes one slice of what `keep` excludes and gives its space back. True while there is more. */
export function pruneSlice(db: Database, keep: Keep, nowMs = Date.now()): boolean {
  const before = oldestToKeep(db, keep, nowMs);
  const hasDeleted = before !== null && deleteUpTo(db, before);
  return giveSpaceBack(db) || hasDeleted;
}

/** The last time, as text, of the slice to delete; null when there is nothing to delete. */
function oldestToKeep(db: Database, keep: Keep, nowMs: number): string | null {
  const slice = endOfOldestSlice(db);
  if (slice === null) return null;
  if (keep.kind === 'size') return usedBytes(db) > keep.sizeBytes ? slice : null;
  const limit = isoTime(nowMs - keep.ageMs);
  if (slice < limit) return slice;
  return limit;
}

/** Requests and samples are cut at the same time, so that what is left is whole. */
function endOfOldestSlice(db: Database): string | null {
  const times = db
    .prepare(
      `SELECT max(at) FROM (
         SELECT at FROM (
           SELECT started_at AS at FROM request UNION ALL SELECT taken_at FROM sample
         ) ORDER BY at LIMIT ${ROWS_A_SLICE})`,
    )
    .pluck();
  return times.get() as string | null;
}

function deleteUpTo(db: Database, time: string): boolean {
  const changes = db.transaction(
    () =>
      db.prepare('DELETE FROM request WHERE started_at <= ?').run(time).changes +
      db.prepare('DELETE FROM sample WHERE taken_at <= ?').run(time).changes,
  )();
  return changes > 0;
}

/** True while there is more to give. */
function giveSpaceBack(db: Database): boolean {
  const freeBefore = count(db, 'freelist_count');
  db.pragma(`incremental_vacuum(${PAGES_A_SLICE})`);
  const free = count(db, 'freelist_count');
  return free > 0 && free < freeBefore;
}

function usedBytes(db: Database): number {
  return (count(db, 'page_count') - count(db, 'freelist_count')) * count(db, 'page_size');
}

function count(db: Database, pragma: string): number {
  return db.pragma(pragma, { simple: true }) as number;
}

/**
 * Prunes `db` now and every hour, by timers: a slice takes a few ms, and SQLite has one writer anyway.
 * Returns the function that ends it, to be called before `db` is closed.
 */
export function startPruning(db: Database, keep: Keep): () => void {
  let timer = setTimeout(next, PAUSE_MS).unref();
  return () => clearTimeout(timer);

  function next(): void {
    timer = setTimeout(next, hasMore() ? PAUSE_MS : ROUND_MS).unref();
  }

  function hasMore(): boolean {
    try {
      return pruneSlice(db, keep);
    } catch {
      // A locked file or a failing disk: writing rows reports it, and the next round tries again.
      return false;
    }
  }
}
