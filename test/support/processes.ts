// Which processes a process started, as Linux tells: what a test must find to stop or to kill.
// Read from /proc, so that no program of ours has to say so.
// Returns nothing elsewhere.
import { readdirSync, readFileSync } from 'node:fs';

/** Process ids of the direct children of `pid`. */
export function childrenOf(pid: number): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      .map(Number),
  );
}
