// Times as people write them: an age such as 7d, or a date.
// A date alone is midnight where the command runs, as people mean it.
import { isoTime } from './columns.js';
import { LogQueryError } from './log-error.js';

const UNIT_MS: Record<string, number> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

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

/** `90d` in ms; null for what is not a duration. */
export function parseDuration(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*$/.exec(text);
  const unitMs = UNIT_MS[match?.[2] ?? ''];
  return match && unitMs ? Number(match[1]) * unitMs : null;
}

function parseDate(text: string): number {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}.*))?$/.exec(text.trim());
  return match ? Date.parse(`${match[1]}T${match[2] ?? '00:00'}`) : Number.NaN;
}
