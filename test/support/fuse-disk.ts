// A loop device over a file that misbehaves like a bad card: it vanishes, lies about its size or
// returns wrong data. Real block devices, so that what is tested meets the kernel's own errors.
// The file system is fuse-disk-child.ts, in a process of its own, as the kernel waits for it.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import { attachLoop, type LoopDevice } from './loop-device.js';

export type DiskFault =
  | { kind: 'none' }
  /** Every access fails after so much was written. */
  | { kind: 'vanishes'; afterBytes: number }
  /** Writes beyond come out at the start again. */
  | { kind: 'wraps'; realBytes: number }
  /** Writes beyond are lost, reads there give zeros. */
  | { kind: 'drops'; realBytes: number }
  /** One bit is read wrongly. */
  | { kind: 'flips'; atBytes: number };

/** False where /dev/fuse is not there for us. */
export const HAS_FUSE = existsSync('/dev/fuse') && process.getuid?.() === 0;

export type FaultyDisk = LoopDevice & {
  /** What really lies behind it. */
  backingFile: string;
};

export async function faultyDisk(
  t: Test,
  sizeBytes: number,
  fault: DiskFault,
): Promise<FaultyDisk> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hearth-fuse-'));
  const backingFile = path.join(folder, 'backing');
  const mountPoint = mkdtempSync(path.join(tmpdir(), 'hearth-fuse-'));
  writeFileSync(backingFile, '');
  truncateSync(backingFile, sizeBytes);
  const program = path.join(import.meta.dirname, 'fuse-disk-child.js');
  const words = [program, mountPoint, backingFile, JSON.stringify(fault)];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(async () => {
    spawnSync('umount', ['--lazy', mountPoint]);
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
    for (const made of [mountPoint, folder]) rmSync(made, { recursive: true, force: true });
  });
  await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => {
      throw new Error('the faulty disk could not be mounted; its process says why above');
    }),
  ]);
  return { ...attachLoop(t, path.join(mountPoint, 'disk')), backingFile };
}
