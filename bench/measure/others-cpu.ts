// How much of the machine other programs had while something was measured: a speed beside a busy program
// says as much of that one as of the model. Linux tells what one process took; elsewhere it is not known.
import { readFileSync } from 'node:fs';
import os from 'node:os';

/** Of clock ticks that proc(5) counts by; the same on every Linux that Node runs on. */
const MS_PER_TICK = 10;

/** Of all cores, what others may take while speed is measured: half a core of a large machine. */
export const BUSY_SHARE = Math.min(0.05, 0.5 / os.cpus().length);

/** Starts to watch; the function tells the others' share of all cores since, 0 to 1, or null. */
export function watchOthers(enginePid: number | undefined): () => number | null {
  const before = readTimes(enginePid);
  return () => {
    const after = readTimes(enginePid);
    if (!before || !after || after.totalMs <= before.totalMs) return null;
    const own = after.ownMs - before.ownMs;
    const others = after.busyMs - before.busyMs - own;
    return Math.max(0, others) / (after.totalMs - before.totalMs);
  };
}

function readTimes(enginePid: number | undefined) {
  const engineMs = processMs(enginePid);
  if (engineMs === null) return null;
  let [totalMs, idleMs] = [0, 0];
  for (const { times } of os.cpus()) {
    totalMs += times.user + times.nice + times.sys + times.irq + times.idle;
    idleMs += times.idle;
  }
  const { user, system } = process.cpuUsage();
  return { totalMs, busyMs: totalMs - idleMs, ownMs: engineMs + (user + system) / 1000 };
}

/** What a process took of the cores; null where that is not told. */
function processMs(pid: number | undefined): number | null {
  if (pid === undefined) return null;
  try {
    // The name in brackets may hold anything; utime and stime are the 12th and 13th field after it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  } catch {
    return null;
  }
}
