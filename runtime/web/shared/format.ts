// Numbers as people read them: durations, counts, memory.

const count = new Intl.NumberFormat('en');
const oneDigit = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

type MaybeFigure = number | null | undefined;

export function formatCount(value: MaybeFigure): string {
  return isNumber(value) ? count.format(Math.round(value)) : '–';
}

/** `340 ms`, `2.4 s`, `3 min 5 s`. */
export function formatDuration(durationMs: MaybeFigure): string {
  if (!isNumber(durationMs)) return '–';
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`;
  if (durationMs < 59_950) return `${oneDigit.format(durationMs / 1000)} s`;
  const seconds = Math.round(durationMs / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `1.5 GiB`, `340 MiB`. */
export function formatBytes(sizeBytes: MaybeFigure): string {
  if (!isNumber(sizeBytes)) return '–';
  if (sizeBytes >= GIB) return `${oneDigit.format(sizeBytes / GIB)} GiB`;
  return `${count.format(Math.round(sizeBytes / MIB))} MiB`;
}

/** `18.4 tok/s`. */
export function formatSpeed(tokensPerSecond: MaybeFigure): string {
  return isNumber(tokensPerSecond) ? `${formatRate(tokensPerSecond)} tok/s` : '–';
}

/** `18.4`, and whole numbers from 100. */
export function formatRate(rate: MaybeFigure): string {
  if (!isNumber(rate)) return '–';
  return rate < 99.95 ? oneDigit.format(rate) : count.format(Math.round(rate));
}

/** `72 %`, of a part from 0 to 1. */
export function formatPart(part: MaybeFigure): string {
  return isNumber(part) ? `${Math.round(part * 100)} %` : '–';
}

function isNumber(value: MaybeFigure): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
