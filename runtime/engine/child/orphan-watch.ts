// Ends this process when its parent is gone, so that no model stays in memory unowned.
// The closed channel tells a running event loop; a thread looks after one that is blocked.
// Leaves a process whose parent lives alone.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const LOOK_EVERY_MS = 500;

/** Starts watching. The thread holds little: a few MiB, no modules of ours. */
export function watchParent(): void {
  process.once('disconnect', () => process.exit());
  const thread = new Worker(new URL(import.meta.url), {
    workerData: { parentPid: process.ppid },
    stdin: false,
    // Without what this process was told to load: it would not fit.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
  });
  // What NODE_OPTIONS loads may still not fit; the closed channel then tells alone.
  thread.on('error', () => {});
  thread.unref();
}

if (!isMainThread && parentPort) {
  const { parentPid } = (workerData ?? {}) as { parentPid?: number };
  // Another thread that only imports this is told no parent, and must not watch for one.
  if (parentPid !== undefined)
    setInterval(() => {
      if (process.ppid !== parentPid) process.kill(process.pid, 'SIGKILL');
    }, LOOK_EVERY_MS);
}
