// The memory of a program of several processes, from the kernel.
// A page of a file that two of them map (Node itself, 40 MiB) is in memory once, yet in the RSS of
// both, so files count once; beside it stands the plain sum. Reads /proc, and so needs Linux.
import { readFileSync } from 'node:fs';

export type ProgramMemory = {
  /** Resident pages, those of a file that several map counted once. */
  rssBytes: number;
  /** The sum of what the processes have as RSS. */
  summedRssBytes: number;
};

/** Of those processes that live. */
export function programMemory(pids: number[]): ProgramMemory {
  const files = new Map<string, number>();
  const memory = { rssBytes: 0, summedRssBytes: 0 };
  for (const pid of pids)
    for (const [name, rssBytes] of residentByName(pid)) {
      memory.summedRssBytes += rssBytes;
      if (name.startsWith('/')) files.set(name, Math.max(files.get(name) ?? 0, rssBytes));
      else memory.rssBytes += rssBytes;
    }
  for (const rssBytes of files.values()) memory.rssBytes += rssBytes;
  return memory;
}

/** What a process has resident of each file, and under '' of memory without one. */
function residentByName(pid: number): Map<string, number> {
  const sizes = new Map<string, number>();
  let name = '';
  for (const line of readMaps(pid).split('\n')) {
    const mapped = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)$/.exec(line);
    if (mapped) name = mapped[1]?.startsWith('/') ? mapped[1] : '';
    const [, kib] = /^Rss: +(\d+) kB/.exec(line) ?? [];
    if (kib) sizes.set(name, (sizes.get(name) ?? 0) + Number(kib) * 1024);
  }
  return sizes;
}

function readMaps(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/smaps`, 'latin1');
  } catch {
    return '';
  }
}
