// Ctrl-C that ends the work of a command in order, and what else asks for an end: a service manager, and a
// terminal that is closed.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs `work` until it is done or Ctrl-C (or SIGTERM, or SIGHUP) aborts its signal; the exit code is then 130.
 * A second Ctrl-C ends the process at once.
 */
export async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const interrupt = () => {
    process.exitCode = 130;
    stop.abort();
  };
  for (const name of SIGNALS) process.once(name, interrupt);
  try {
    await work(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    for (const name of SIGNALS) process.off(name, interrupt);
  }
}
