// Prunes an open log now and every hour, in slices with pauses.
// Timers rather than a thread: a slice takes a few ms, and SQLite has one writer anyway.
// What to delete is decided in keep.ts.
import type { Database } from 'better-sqlite3';
import { type Keep, pruneSlice } from './keep.js';

const ROUND_MS = 3_600_000;
const PAUSE_MS = 50;

/** Starts pruning `db`. Returns the function that ends it, to be called before `db` is closed. */
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
