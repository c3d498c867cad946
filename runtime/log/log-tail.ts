// Follows the log: the last answers, then each new one as it is written by another process.
// Polls SQLite's data_version, which costs microseconds; file watching misses writes to a WAL.
// It ends only when told to.
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerFilter, LogReader } from './log-reader.js';
import type { AnswerRow } from './read-rows.js';

const POLL_MS = 250;

export type FollowOptions = AnswerFilter & { limit: number; signal: AbortSignal };

/** The last `limit` answers and all later ones, oldest first, until `signal` aborts. */
export async function* followAnswers(
  log: LogReader,
  { limit, signal, ...filter }: FollowOptions,
): AsyncGenerator<AnswerRow> {
  let version = log.version();
  let lastId = log.lastId();
  yield* log
    .latest({ ...filter, limit })
    .filter(({ id }) => id <= lastId)
    .reverse();
  while (await isStill(signal)) {
    if (log.version() === version) continue;
    version = log.version();
    for (const row of log.after(lastId, filter)) {
      lastId = row.id;
      yield row;
    }
  }
}

/** Waits for the next look. False once aborted. */
async function isStill(signal: AbortSignal): Promise<boolean> {
  await sleep(POLL_MS, undefined, { signal }).catch(() => {});
  return !signal.aborted;
}
