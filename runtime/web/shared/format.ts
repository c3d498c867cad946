// Numbers as people read them in the language in effect: durations, counts, memory.
import { texts } from '../texts/texts.js';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

type MaybeFigure = number | null | undefined;

export function formatCount(value: MaybeFigure): string {
  return isNumber(value) ? whole(value) : '–';
}

/** `340 ms`, `2.4 s`, `3 min 5 s`. */
export function formatDuration(durationMs: MaybeFigure): string {
  if (!isNumber(durationMs)) return '–';
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`;
  if (durationMs < 59_950) return texts.common.seconds(oneDigit(durationMs / 1000));
  const seconds = Math.round(durationMs / 1000);
  return texts.common.minutes(Math.floor(seconds / 60), seconds % 60);
}

/** `1.5 GiB`, `340 MiB`. */
export function formatBytes(sizeBytes: MaybeFigure): string {
  if (!isNumber(sizeBytes)) return '–';
  if (sizeBytes >= GIB) return `${oneDigit(sizeBytes / GIB)} GiB`;
  return `${whole(sizeBytes / MIB)} MiB`;
}

/** Of a file, as a person sees it in a folder: `2.4 MB`, `12 kB`. */
export function formatFileSize(sizeBytes: number): string {
  return sizeBytes >= 1e6 ? `${oneDigit(sizeBytes / 1e6)} MB` : `${whole(sizeBytes / 1e3)} kB`;
}

/** `18.4 tok/s`. */
export function formatSpeed(tokensPerSecond: MaybeFigure): string {
  return isNumber(tokensPerSecond) ? `${formatRate(tokensPerSecond)} tok/s` : '–';
}

/** `18.4`, and whole numbers from 100. */
export function formatRate(rate: MaybeFigure): string {
  if (!isNumber(rate)) return '–';
  return rate < 99.95 ? oneDigit(rate) : whole(rate);
}

/** `72 %`, of a part from 0 to 1. */
export function formatPart(part: MaybeFigure): string {
  return isNumber(part) ? `${Math.round(part * 100)} %` : '–';
}

function whole(value: number): string {
  return Math.round(value).toLocaleString(texts.locale);
}

function oneDigit(value: number): string {
  return value.toLocaleString(texts.locale, { maximumFractionDigits: 1 });
}

function isNumber(value: MaybeFigure): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
