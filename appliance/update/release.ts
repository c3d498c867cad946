// Versions of what a device runs: up to four numbers, compared number by number.
// A maker's own, or the date of the build; RAUC carries them in its bundles and compares nothing.
import { UpdateError } from './update-error.js';

const PATTERN = /^\d{1,9}(\.\d{1,9}){0,3}$/;

/** Reads `--release`. Throws {@link UpdateError}. */
export function checkedRelease(release: string): string {
  if (PATTERN.test(release)) return release;
  throw new UpdateError(
    `--release ${JSON.stringify(release)} is not a version; expected up to four numbers, such as 1.4.2 or 2026.11.29`,
  );
}

/** That of a build on this day, in UTC. */
export function releaseOfDay(epochSeconds: number): string {
  const date = new Date(epochSeconds * 1000);
  return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()].join('.');
}

/** Below 0 where `a` is older than `b`, 0 for the same one; numbers that are not there are zeros. */
export function compareReleases(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbersOf(release: string): number[] {
  return release.split('.').map(Number);
}
