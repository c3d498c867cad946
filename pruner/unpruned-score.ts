// What the unpruned model makes of the text that is held out to judge by, before anything that takes long: a
// text that is too short, or that the model knows nothing of, is told while there is time.
// What the model held for likely stays in a file, which all that is judged later reads. Judges nothing itself.
import path from 'node:path';
import type { CalibrationSettings } from './calibrate/calibration-settings.js';
import { scoreTrials } from './trial/trial.js';
import type { TrialTask } from './trial/trial-protocol.js';

export type UnprunedScore = {
  text: string;
  /** Where it is kept what the model held for likely. */
  rowsPath: string;
  perplexity: number;
  /** Positions that were scored. */
  nTokens: number;
  /** How unlikely the text is; does not depend on how a tokenizer cuts it. */
  natsPerByte: number;
};

type HeldOutText = {
  text: string;
  densePath: string;
  settings: CalibrationSettings;
};

export const JUDGED_CHUNKS = 8;
const N_CTX = 512;
/** Of a text too short for as many. */
const LEAST_CHUNKS = 2;

/** Throws `MeasureError`, also where the text is too short to judge by, or the signal's reason. */
export async function scoreUnpruned(
  held: HeldOutText,
  { folder, signal }: { folder: string; signal: AbortSignal },
): Promise<UnprunedScore> {
  const { text } = held;
  const rowsPath = path.join(folder, 'rows');
  const task = { ...judgingTask(held), dense: { kind: 'write', path: rowsPath } as const };
  const { dense } = await scoreTrials({ ...task, trials: [] }, { signal });
  if (!dense) throw new Error('the process that scores ended without a word');
  const { meanNll, nTokens, nTextTokens } = dense;
  return {
    ...{ text, rowsPath, nTokens },
    perplexity: Math.exp(meanNll),
    natsPerByte: (meanNll * nTextTokens) / Buffer.byteLength(text),
  };
}

/** What is judged by that text is scored so. */
export function judgingTask({
  text,
  densePath,
  settings,
}: HeldOutText): Pick<TrialTask, 'text' | 'nCtx' | 'settings' | 'chunks' | 'base'> {
  return {
    ...{ text, nCtx: N_CTX, settings: { ...settings, modelPath: densePath }, base: [] },
    chunks: { most: JUDGED_CHUNKS, least: LEAST_CHUNKS },
  };
}
