// What the process that measures speed tells, in order, as measuring-process.ts has it.
import { type MeasuringOptions, runMeasuringProcess } from '../../llama/measuring-process.js';
import type { SpeedEvent, SpeedTask } from './speed-protocol.js';

const SPEED_CHILD = new URL('./speed-child.js', import.meta.url);

/** Throws MeasureError when the process fails or dies, and the signal's reason when that aborts. */
export async function* measureSpeed(
  task: SpeedTask,
  options: MeasuringOptions,
): AsyncGenerator<SpeedEvent, void, undefined> {
  yield* runMeasuringProcess<SpeedEvent>(SPEED_CHILD, task, options);
}
