// When the answers of a batch were: an interval that starts where the last one ended.
// A receiver tells one delta from another by its interval, so no two may overlap, whatever the
// device's clock does; where it went back, what comes is another instance's, with a time of its own.
import { randomUUID } from 'node:crypto';
import type { OutboxState, UnsentAnswer } from './outbox.js';

/** Unix times in ms, `startMs` < `endMs`. */
export type Interval = { instanceId: string; startMs: number; endMs: number };

/** A clock that is set back by less is waited for: intervals go on by a ms each. */
const SMALL_STEP_MS = 60_000;

export function intervalOf(
  answers: readonly UnsentAnswer[],
  { instanceId, endedAtMs }: Pick<OutboxState, 'instanceId' | 'endedAtMs'>,
  nowMs: number,
): Interval {
  const arrivals = answers.map(({ started_at }) => Date.parse(started_at));
  const firstMs = Math.min(...arrivals, nowMs - 1);
  // An answer from before the clock was put right may be of next year.
  const endMs = Math.min(Math.max(...answers.map(completedMs)), nowMs);
  const wentBack = endedAtMs !== null && endedAtMs > nowMs + SMALL_STEP_MS;
  const startMs = endedAtMs === null || wentBack ? firstMs : endedAtMs;
  return {
    instanceId: wentBack ? randomUUID() : instanceId,
    startMs,
    endMs: Math.max(endMs, startMs + 1),
  };
}

/** Unix time in ms at which an answer was complete, by the clock of its arrival. */
export function completedMs({ started_at, total_ms }: UnsentAnswer): number {
  return Date.parse(started_at) + Math.round(total_ms ?? 0);
}
