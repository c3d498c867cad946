// What a comparison has measured so far, in a file beside the output: a run that was interrupted goes on from
// there, and one that comes to its end removes it. Figures of another model, text or calibration are not taken.
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { parseJson } from '../../terminal/parse-json.js';
import type { PairQuality } from './pair.js';

export type Measured = {
  /** By the pair's name. */
  qualities: Record<string, PairQuality>;
  /** Divergence after pruning alone, by the pair's name. */
  prunings: Record<string, number>;
};

export type MeasuredFile = {
  path: string;
  /** Of an earlier run, and what was added since. */
  measured: Measured;
  /** How many figures are of an earlier run. */
  nFound: number;
  /** Keeps what was added to `measured`. */
  save(): Promise<void>;
  remove(): Promise<void>;
};

/** Of `output`; `settings` tells runs apart whose figures differ. */
export async function openMeasuredFile(output: string, settings: string): Promise<MeasuredFile> {
  const path = `${output}.measured.json`;
  const measured = (await readMeasured(path, settings)) ?? { qualities: {}, prunings: {} };
  return {
    ...{ path, measured },
    nFound: Object.keys(measured.qualities).length + Object.keys(measured.prunings).length,
    async save() {
      const temporary = `${path}.part`;
      await writeFile(temporary, `${JSON.stringify({ settings, ...measured })}\n`);
      await rename(temporary, path);
    },
    remove: () => rm(path, { force: true }),
  };
}

/** Null where there is none, or none of these settings. */
async function readMeasured(path: string, settings: string): Promise<Measured | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const found = parseJson(text) as Partial<Measured> & { settings?: unknown };
    const { qualities, prunings } = found;
    const isWhole = isRecord(qualities, isQuality) && isRecord(prunings, isNumber);
    return found.settings === settings && isWhole ? { qualities, prunings } : null;
  } catch {
    return null;
  }
}

function isRecord<T>(
  value: unknown,
  isOne: (one: unknown) => one is T,
): value is Record<string, T> {
  return typeof value === 'object' && value !== null && Object.values(value).every(isOne);
}

function isQuality(value: unknown): value is PairQuality {
  const { klByChunk, ...numbers } = (value ?? {}) as Partial<PairQuality>;
  const isList = Array.isArray(klByChunk) && klByChunk.length > 0 && klByChunk.every(isNumber);
  const { perplexity, pruningKl, durationMs } = numbers;
  return isList && [perplexity, pruningKl, durationMs].every(isNumber);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
