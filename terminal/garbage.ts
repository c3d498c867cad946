// What nothing holds any more, given back at a moment of our choosing: V8 itself looks when its heap has grown, or
// some ten seconds after a server's last answer, and the memory of large arrays, which is outside of its heap,
// waits as long.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Blocks for about 30 ms, so call it where nobody waits. */
export function collectGarbage(): void {
  collect ??= exposedCollector();
  collect();
  // The memory of arrays that the first found is given back when the next begins.
  collect();
}

let collect: (() => void) | undefined;

/** Node has it only where it was started with `--expose-gc`, but V8 gives it to each new context. */
function exposedCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}
