// Keeps V8 from taking more room than a small server needs, so that what a device shows stays level.
// By default new objects get 16 MiB and more while modules load, and garbage that outlived them may
// fill as much again as what is in use: the memory of ten thousand answers swings by a quarter.
import { setFlagsFromString } from 'node:v8';

/** What is in use may grow by a tenth before V8 looks for garbage: by 2 MiB at least, not by 8. */
export const LEVEL_HEAP_FLAGS = ['--heap-growing-percent=10', '--optimize-for-size'];

/** Call it before modules are loaded: room that has grown stays. */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  for (const flag of LEVEL_HEAP_FLAGS) setFlagsFromString(flag);
}
