// Keeps V8's room for new objects at the size that it starts with.
// By default it grows to 16 MiB and more while modules load and is never given back, which a server
// that allocates little has no use for. What lives long is not limited.
import { setFlagsFromString } from 'node:v8';

/** Call it before modules are loaded: room that has grown stays. */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
