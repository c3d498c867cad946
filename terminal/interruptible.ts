// Ctrl-C that ends the work of a command in order.

/**
 * Runs `work` until it is done or Ctrl-C (or SIGTERM) aborts its signal; the exit code is then 130.
 * A second Ctrl-C ends the process at once.
 */
export async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const interrupt = () => {
    process.exitCode = 130;
    stop.abort();
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    await work(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}
