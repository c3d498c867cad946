// The most memory that a process and all that it starts had at once, from the kernel: the sum of their RSS, looked
// at 20 times a second. What two of them map counts twice, so it is no less than it was. Needs Linux.
import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 50;

/** Follows `pid` until `stop`, which returns the peak. */
export function followMemory(pid: number): { stop: () => number } {
  let peakBytes = 0;
  const look = () => {
    const bytes = treeOf(pid).reduce((sum, each) => sum + rssBytes(each), 0);
    peakBytes = Math.max(peakBytes, bytes);
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      return peakBytes;
    },
  };
}

function treeOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

/** Those that a process started; none where it has ended. */
export function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(' ').map(Number).filter(Boolean);
}

function rssBytes(pid: number): number {
  const [, kib = 0] = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`)) ?? [];
  return 1024 * Number(kib);
}

/** Of a process that has ended, nothing. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch {
    return '';
  }
}
