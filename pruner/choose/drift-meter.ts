// Measures drift by trials in a loaded model, for as long as there is time.
import { rmSync } from 'node:fs';
import path from 'node:path';
import type { CalibrationSettings } from '../calibrate/calibration-settings.js';
import type { MeasuredPart } from '../measured-part.js';
import type { RepairMode } from '../repair/repair-linear.js';
import { asChange, type RepairTools, repairPart } from '../repair/repair-parts.js';
import { openScratch } from '../scratch.js';
import { scoreTrials } from '../trial/trial.js';
import type { PartChange } from '../trial/trial-protocol.js';
import type { DriftMeter } from './choose-widths.js';

export type DriftMeterOptions = {
  tools: Omit<RepairTools, 'scratch'>;
  settings: CalibrationSettings;
  densePath: string;
  /** Has not calibrated. */
  text: string;
  repair: RepairMode;
  /** When to stop, as performance.now() tells it. */
  deadline: number;
  folder: string;
  signal: AbortSignal;
  onTrial: (what: string, done: number, of: number) => void;
};

const N_CTX = 512;
/** One part's share of a drift is seen in little text; whole models differ by less. */
const CHUNKS = { alone: 2, together: 6 } as const;

const NAMES = { alone: 'parts', together: 'whole models' } as const;

/** A model as it would be, still to be repaired. */
type Trial = { widths: Iterable<[MeasuredPart, number]>; mode: RepairMode };

export function openDriftMeter(options: DriftMeterOptions): DriftMeter {
  const dense = new Set<keyof typeof CHUNKS>();
  const ridges: FoundRidges = new Map();
  const measure = async (what: keyof typeof CHUNKS, trials: Trial[]) => {
    const filePath = path.join(options.folder, 'trials');
    const scratch = openScratch(filePath);
    options.onTrial(NAMES[what], 0, trials.length);
    try {
      const changes = await repairAll(trials, { ...options.tools, scratch, ridges }, options);
      const isFirst = !dense.has(what);
      dense.add(what);
      return changes && (await scoreAll(options, { what, isFirst }, changes));
    } finally {
      scratch.close();
      rmSync(filePath);
    }
  };
  return {
    async alone(prunings) {
      // A bias is quick to find; what least squares gains more is alike in all parts.
      const mode = options.repair === 'none' ? 'none' : 'bias';
      const trials = prunings.map((pruning): Trial => ({ widths: [pruning], mode }));
      return await measure('alone', trials);
    },
    async together(models) {
      return await measure(
        'together',
        models.map((widths) => ({ widths, mode: options.repair })),
      );
    },
  };
}

/** What was best for a part at some width is as good as best at others, and four times as quick as trying all. */
type FoundRidges = Map<MeasuredPart, readonly number[]>;

/** Null where time runs out. */
async function repairAll(
  trials: readonly Trial[],
  { ridges, ...tools }: RepairTools & { ridges: FoundRidges },
  { deadline, signal }: DriftMeterOptions,
): Promise<PartChange[][] | null> {
  const all: PartChange[][] = [];
  for (const { widths, mode } of trials) {
    const changes: PartChange[] = [];
    for (const [part, nKept] of widths) {
      signal.throwIfAborted();
      if (performance.now() > deadline) return null;
      const known = ridges.get(part);
      const repaired = await repairPart(tools, part, {
        nKept,
        mode,
        ...(known && { ridges: known }),
      });
      if (!repaired) continue;
      changes.push(asChange(repaired));
      if (repaired.ridge !== null) ridges.set(part, [repaired.ridge]);
    }
    all.push(changes);
  }
  return all;
}

/** Null where the first trials tell that time would run out before the last. */
async function scoreAll(
  { settings, densePath, text, deadline, folder, signal, onTrial }: DriftMeterOptions,
  { what, isFirst }: { what: keyof typeof CHUNKS; isFirst: boolean },
  trials: PartChange[][],
): Promise<number[] | null> {
  const late = new AbortController();
  const begun = performance.now();
  const onScore = (index: number) => {
    const [done, of] = [index + 1, trials.length];
    onTrial(NAMES[what], done, of);
    const ends = begun + ((performance.now() - begun) * (of + 1)) / (done + 1);
    if (ends > deadline) late.abort();
  };
  try {
    const { scores } = await scoreTrials(
      {
        ...{ text, nCtx: N_CTX, settings: { ...settings, modelPath: densePath } },
        chunks: { least: 1, most: CHUNKS[what] },
        dense: { kind: isFirst ? 'write' : 'read', path: path.join(folder, `rows-${what}`) },
        ...{ base: [], trials },
      },
      { signal: AbortSignal.any([signal, late.signal]), onScore },
    );
    return scores.map(({ meanKl }) => meanKl);
  } catch (error) {
    if (late.signal.aborted && !signal.aborted) return null;
    throw error;
  }
}
