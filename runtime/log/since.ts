// Times as people write them: an age such as 7d, or a date.
// A date alone is midnight where the command runs, as people mean it.
import { parseDuration } from '../../terminal/units.js';
import { isoTime } from './columns.js';
import { LogQueryError } from './log-error.js';

/** `7d`, `12h` or `2026-01-01[T09:30]` as UTC in ISO 8601. Throws {@link LogQueryError}. */
export function parseSince(text: string, nowMs = Date.now()): string {
  const ageMs = parseDuration(text);
  const timeMs = ageMs === null ? parseDate(text) : nowMs - ageMs;
  if (!Number.isFinite(timeMs) || Math.abs(timeMs) > 8.64e15)
    throw new LogQueryError(
      `"${text}" is not a time; write an age such as 7d, 12h or 30m, or a date such as 2026-01-31`,
    );
  return isoTime(timeMs);
}

function parseDate(text: string): number {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}.*))?$/.exec(text.trim());
  return match ? Date.parse(`${match[1]}T${match[2] ?? '00:00'}`) : Number.NaN;
}
