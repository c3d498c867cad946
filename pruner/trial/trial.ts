// The process that tries prunings, from outside: a list of them in, a score for each out.
// Scores nothing itself.
import { runMeasuringProcess } from '../../llama/measuring-process.js';
import type { Score, TrialEvent, TrialTask } from './trial-protocol.js';

export type ScoringOptions = {
  signal: AbortSignal;
  /** Called after each trial, with how many are done. */
  onScore?: (index: number, score: Score) => void;
};

export type TrialScores = {
  /** Of the unpruned model; null where it was scored before. */
  dense: { meanNll: number; nTokens: number; nTextTokens: number } | null;
  /** In the order of the trials. */
  scores: Score[];
};

/** Throws MeasureError when the process fails or dies, the signal's reason when that aborts. */
export async function scoreTrials(
  task: TrialTask,
  { signal, onScore }: ScoringOptions,
): Promise<TrialScores> {
  const result: TrialScores = { dense: null, scores: [] };
  for await (const event of runMeasuringProcess<TrialEvent>(CHILD, task, { signal })) {
    if (event.kind === 'dense') result.dense = event;
    if (event.kind !== 'score') continue;
    result.scores.push(event.score);
    onScore?.(event.index, event.score);
  }
  return result;
}

const CHILD = new URL('./trial-child.js', import.meta.url);
