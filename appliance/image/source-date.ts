// The date of an image's files, as reproducible-builds.org has it: given, or the day of the build.

/** Seconds since 1970, in UTC: builds of one day from the same inputs are the same. */
export function sourceDateOrToday(value = process.env.SOURCE_DATE_EPOCH): number {
  if (!value) return startOfDay();
  if (/^\d{1,10}$/.test(value)) return Number(value);
  throw new Error(`SOURCE_DATE_EPOCH is "${value}"; expected seconds since 1970`);
}

function startOfDay(): number {
  const day = 24 * 60 * 60;
  return Math.floor(Date.now() / 1000 / day) * day;
}
