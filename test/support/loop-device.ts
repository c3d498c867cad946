// Loop devices for the time of a test: real disks to the kernel, files to us.
// Partitions are told to the kernel one by one, as not every kernel reads tables.
// Needs root; a test skips itself where HAS_LOOP_DEVICES is false.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import { needs } from './needs.js';

const HAS_LOOP_DEVICES = existsSync('/dev/loop-control') && process.getuid?.() === 0;
/** For the options of a test. */
export const SKIP_WITHOUT_LOOP = HAS_LOOP_DEVICES
  ? needs('losetup', 'addpart')
  : 'needs root and loop devices';

export type LoopDevice = { path: string; name: string; file: string };

export function attachLoop(t: Test, file: string, ...options: string[]): LoopDevice {
  const words = ['--find', '--show', ...options, file];
  const node = execFileSync('losetup', words, { encoding: 'utf8' }).trim();
  t.teardown(() => {
    // It may be ejected already, and its number given to another.
    const listed = spawnSync('losetup', ['--list', '--noheadings', '-O', 'BACK-FILE', node]);
    if (`${listed.stdout}`.trim().startsWith(file)) spawnSync('losetup', ['--detach', node]);
  });
  return { path: node, name: path.basename(node), file };
}

/** Zeros of `sizeBytes` in a new file of `folder`, attached. */
export function blankLoop(t: Test, file: string, sizeBytes: number): LoopDevice {
  writeFileSync(file, '');
  truncateSync(file, sizeBytes);
  return attachLoop(t, file);
}

/** The node of a partition of `sectors`, for the time of a test. */
export function addPartition(
  t: Test,
  { path: disk }: LoopDevice,
  number: number,
  sectors: [start: number, count: number],
): string {
  execFileSync('addpart', [disk, `${number}`, ...sectors.map(String)]);
  t.teardown(() => spawnSync('delpart', [disk, `${number}`]));
  return `${disk}p${number}`;
}
