// Ticks and words for an axis of time, aligned to hours and days where the browser is.
// Chart.js would want a date library for this; an axis needs very little of one.
import { texts } from '../texts/texts.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const STEPS_MS = [
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_MS),
  ...[1, 2, 4, 7, 14, 28].map((days) => days * DAY_MS),
];

/** At most `most` times from `fromMs` to `toMs`, in ms since the epoch. */
export function timeTicks(fromMs: number, toMs: number, most: number): number[] {
  const stepMs = STEPS_MS.find((step) => (toMs - fromMs) / step <= most) ?? toMs - fromMs;
  const offsetMs = new Date(fromMs).getTimezoneOffset() * MINUTE_MS;
  const ticks = [];
  const firstMs = Math.ceil((fromMs - offsetMs) / stepMs) * stepMs + offsetMs;
  for (let atMs = firstMs; atMs <= toMs; atMs += stepMs) ticks.push(atMs);
  return ticks;
}

/** `14:30`, or `24 Nov` where a day begins. */
export function tickWords(atMs: number): string {
  const at = new Date(atMs);
  if (at.getHours() === 0 && at.getMinutes() === 0)
    return at.toLocaleDateString(texts.locale, { day: 'numeric', month: 'short' });
  return at.toLocaleTimeString(texts.locale, { hour: '2-digit', minute: '2-digit' });
}

/** `24 Nov, 14:30`. */
export function timeWords(time: number | string): string {
  return new Date(time).toLocaleString(texts.locale, {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
}

/** `24 Nov, 14:30:07`: of one answer, which others may follow within the minute. */
export function exactTimeWords(time: string): string {
  return new Date(time).toLocaleString(texts.locale, {
    ...{ day: 'numeric', month: 'short' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
  });
}

export function rangeMs(since: string): number {
  return Number.parseInt(since, 10) * (since.endsWith('d') ? DAY_MS : HOUR_MS);
}
