// Measures drift by trials in a loaded model, for as long as there is time.
import path from 'node:path';
import type { CalibrationSettings } from '../calibrate/calibration-settings.js';
import type { MeasuredPart } from '../measured-part.js';
import type { RepairMode } from '../repair/repair-linear.js';
import { asChange, type RepairTools, repairPart } from '../repair/repair-parts.js';
import { scoreTrials } from '../trial/trial.js';
import type { PartChange } from '../trial/trial-protocol.js';
import type { DriftMeter } from './choose-widths.js';

export type DriftMeterOptions = {
  tools: RepairTools;
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

export function openDriftMeter(options: DriftMeterOptions): DriftMeter {
  const { tools, repair } = options;
  const change = async (part: MeasuredPart, nKept: number, mode: RepairMode) => {
    const repaired = await repairPart(tools, part, { nKept, mode });
    return repaired ? [asChange(repaired)] : [];
  };
  return {
    async alone(prunings) {
      // A bias is quick to find; what least squares gains more is alike in all parts.
      const mode = repair === 'none' ? 'none' : 'bias';
      const trials: PartChange[][] = [];
      for (const [part, nKept] of prunings) trials.push(await change(part, nKept, mode));
      return await measure(options, 'alone', trials);
    },
    async together(models) {
      const trials: PartChange[][] = [];
      for (const widths of models) {
        const changes: PartChange[] = [];
        for (const [part, nKept] of widths) changes.push(...(await change(part, nKept, repair)));
        trials.push(changes);
      }
      return await measure(options, 'together', trials);
    },
  };
}

/** Null where the first trials tell that time would run out before the last. */
async function measure(
  { settings, densePath, text, deadline, folder, signal, onTrial }: DriftMeterOptions,
  what: keyof typeof CHUNKS,
  trials: PartChange[][],
): Promise<number[] | null> {
  const late = new AbortController();
  const begun = performance.now();
  const onScore = (index: number) => {
    const [done, of] = [index + 1, trials.length];
    onTrial(what === 'alone' ? 'parts' : 'whole models', done, of);
    const ends = begun + ((performance.now() - begun) * (of + 1)) / (done + 1);
    if (ends > deadline) late.abort();
  };
  try {
    const { scores } = await scoreTrials(
      {
        ...{ text, nCtx: N_CTX, settings: { ...settings, modelPath: densePath } },
        chunks: { least: 1, most: CHUNKS[what] },
        dense: { kind: 'write', path: path.join(folder, `rows-${what}`) },
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
