// The process that scores a text, from outside.
// A process of its own for each model, so that no memory of one is counted, or missing, at the next.
// Scores nothing itself.
import { runMeasuringProcess } from '../measuring-process.js';
import type { Quality, QualityEvent, QualityTask } from './quality-protocol.js';

export type QualityOptions = {
  signal: AbortSignal;
  onProgress: (text: string) => void;
};

/** Throws MeasureError when the process fails or dies, the signal's reason when that aborts. */
export async function scoreQuality(
  task: QualityTask,
  { signal, onProgress }: QualityOptions,
): Promise<Quality> {
  let quality: Quality | null = null;
  const events = runMeasuringProcess<QualityEvent>(CHILD, task, { signal });
  for await (const event of events) {
    if (event.kind === 'chunk') onProgress(`perplexity: chunk ${event.done + 1} of ${event.of}`);
    if (event.kind === 'scored') quality = event.quality;
  }
  if (quality === null) throw new Error('the process that scores a text ended without a figure');
  return quality;
}

const CHILD = new URL('./quality-child.js', import.meta.url);
