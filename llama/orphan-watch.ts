// Ends this process when its parent is gone, so that no model stays in memory unowned.
// The closed channel tells a running event loop; a thread looks after one that is blocked.
// Leaves a process whose parent lives alone.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const LOOK_EVERY_MS = 500;

/**
 * Starts watching for `parentPid`, which the parent itself tells best: it may be gone by now. The thread
 * holds little: a few MiB, no modules of ours.
 */
export function watchParent(parentPid = process.ppid): void {
  // Not process.exit(), which first waits for what llama.cpp does on other threads.
  process.once('disconnect', endNow);
  if (process.connected === false) endNow();
  const thread = new Worker(new URL(import.meta.url), {
    workerData: { parentPid },
    stdin: false,
    // Without what this process was told to load: it would not fit.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
  });
  // What NODE_OPTIONS loads may still not fit; the closed channel then tells alone.
  thread.on('error', () => {});
  thread.unref();
}

/** For a process that takes orders: it ends when its parent says so or is gone. */
export function stayWithParent(parentPid?: number): void {
  watchParent(parentPid);
  // Ctrl-C and service managers signal the whole group.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
}

function endNow(): void {
  process.kill(process.pid, 'SIGKILL');
}

if (!isMainThread && parentPort) {
  const { parentPid } = (workerData ?? {}) as { parentPid?: number };
  // Another thread that only imports this is told no parent, and must not watch for one.
  if (parentPid !== undefined)
    setInterval(() => {
      if (process.ppid !== parentPid) endNow();
    }, LOOK_EVERY_MS);
}
