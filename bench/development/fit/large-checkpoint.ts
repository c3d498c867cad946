// How long hearth fit takes on a checkpoint of 13 GB, and how much memory: it may read headers alone.
// The checkpoint's weights are a hole in a file, which takes no room on the disk.
// The whole command is timed, start included.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeSyntheticCheckpoint } from '../synthetic-checkpoint.js';

const CLI = path.resolve(import.meta.dirname, '../../../cli.js');
const LOOK_EVERY_MS = 10;

export type Cost = { seconds: number; peakRssBytes: number };

/** In `folder`, which the caller removes. */
export async function fitLargeCheckpoint(folder: string): Promise<Cost> {
  await makeSyntheticCheckpoint(folder, { ratio: 0, isHollow: true });
  const start = performance.now();
  const child = spawn(process.execPath, [CLI, 'fit', folder, '--device', 'rtx-3060-8gb'], {
    stdio: 'ignore',
  });
  const end = once(child, 'exit');
  let peakRssBytes = 0;
  while (child.exitCode === null && child.signalCode === null) {
    peakRssBytes = Math.max(peakRssBytes, readPeak(child.pid ?? 0));
    await Promise.race([end, delay(LOOK_EVERY_MS)]);
  }
  if (child.exitCode !== 0) throw new Error(`hearth fit ended with ${child.exitCode}`);
  return { seconds: (performance.now() - start) / 1000, peakRssBytes };
}

/** The kernel's own peak so far; 0 of a process that is gone. */
function readPeak(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
