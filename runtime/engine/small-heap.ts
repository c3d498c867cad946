// Keeps V8 from taking more room than a small server needs, so that what a device shows stays level.
// By default new objects get 16 MiB and more while modules load, and garbage that outlived them may
// fill as much again as what is in use: the memory of ten thousand answers swings by a quarter.
import { setFlagsFromString } from 'node:v8';

/** What is in use may grow by this much before V8 looks for garbage (but by 8 MiB at least). */
export const LEVEL_HEAP_FLAG = '--heap-growing-percent=10';

/** Call it before modules are loaded: room that has grown stays. */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString(LEVEL_HEAP_FLAG);
}
