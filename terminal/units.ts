// Sizes, counts, times and shares as people write and read them.
// Memory is counted in GiB and MiB, disk and downloads in GB and MB, as the field does.

const UNIT_BYTES = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
} as const;

/** Thrown for text that is not a size such as `8GiB` or `2.5GB`. */
export class SizeError extends Error {
  readonly code = 'HEARTH_SIZE';
}

/** `2.5GB` or `8 GiB` in bytes. Throws {@link SizeError} when the number or the unit is missing. */
export function parseSize(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?b)\s*$/i.exec(text);
  const unit = match?.[2]?.toLowerCase() as keyof typeof UNIT_BYTES | undefined;
  const sizeBytes = match && unit ? Math.floor(Number(match[1]) * UNIT_BYTES[unit]) : 0;
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0)
    throw new SizeError(
      `"${text}" is not a size; write a number and a unit, such as 2.5GB or 8GiB`,
    );
  return sizeBytes;
}

/** Bytes of memory as `5.03 GiB` or `212 MiB`. */
export function formatMemory(sizeBytes: number): string {
  return (
    format(sizeBytes, 2 ** 30, 'GiB') ?? format(sizeBytes, 2 ** 20, 'MiB', 0) ?? `${sizeBytes} B`
  );
}

/** Bytes on disk as `3.34 GB` or `4.9 MB`. */
export function formatDisk(sizeBytes: number): string {
  return format(sizeBytes, 1e9, 'GB') ?? format(sizeBytes, 1e6, 'MB', 1) ?? `${sizeBytes} B`;
}

function format(value: number, divisor: number, unit: string, digits = 2): string | undefined {
  return value >= divisor ? `${(value / divisor).toFixed(digits)} ${unit}` : undefined;
}

/** `5.42 B`, `6.16 M`, `172 K`, `12` */
export function formatCount(n: number): string {
  return format(n, 1e9, 'B') ?? format(n, 1e6, 'M') ?? format(n, 1e3, 'K', 0) ?? String(n);
}

/** `340 ms`, `2.41 s` */
export function formatDuration(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : formatSeconds(ms, 2);
}

/** What is left, no more exactly than can be known: `40 s`, `12 min`, `2.5 h` */
export function formatTimeLeft(ms: number): string {
  if (ms < 60_000) return `${Math.max(1, Math.round(ms / 1000))} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

/** `2.4 s` */
export function formatSeconds(ms: number, digits = 1): string {
  return `${(ms / 1000).toFixed(digits)} s`;
}

/** `12.5 %` of a share from 0 to 1. */
export function formatPercent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** `1 token`, `2 tokens` */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `6.74 B`, `0.26 M`: as llama-bench words parameters. */
export function formatParameters(n: number): string {
  return format(n, 1e9, 'B') ?? `${(n / 1e6).toFixed(2)} M`;
}

const UNIT_MS: Record<string, number> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `90d` in ms; null for what is not a duration. */
export function parseDuration(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*$/.exec(text);
  const unitMs = UNIT_MS[match?.[2] ?? ''];
  return match && unitMs ? Number(match[1]) * unitMs : null;
}
