// Before and after writing: what is mounted from the device is unmounted, and at the end the device is
// let go, as far as its kind can be. Programs of util-linux do it, as they do for everyone.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { FlashError } from './flash-error.js';
import type { FlashTarget } from './target-device.js';

const run = promisify(execFile);

/** Throws {@link FlashError} where a file system is in use. */
export async function unmountAll({ path: node, mounts }: FlashTarget): Promise<void> {
  for (const { mountPoint } of mounts)
    await run('umount', ['--', mountPoint]).catch((cause) => {
      throw new FlashError('mounted', `${node} cannot be unmounted: ${lastLine(cause)}`, { cause });
    });
}

export type Ejection =
  /** Nothing of the device is left in the system. */
  | { kind: 'ejected' }
  /** All is written; cards in a slot have no more to them. */
  | { kind: 'removable' }
  /** Nobody takes a built-in disk out. */
  | { kind: 'kept' }
  | { kind: 'failed'; problem: string };

/** Lets go of the device, so that it may be taken out. */
export async function eject({ path: node, device }: FlashTarget): Promise<Ejection> {
  // Disks that speak SCSI, USB sticks included, have this; the kernel flushes and stops them.
  const removal = path.join(device.folder, 'device/delete');
  try {
    if (device.loopFile !== null) await run('losetup', ['--detach', node]);
    else if (!device.isRemovable) return { kind: 'kept' };
    else if (!existsSync(removal)) return { kind: 'removable' };
    else await writeFile(removal, '1');
    return { kind: 'ejected' };
  } catch (error) {
    return { kind: 'failed', problem: lastLine(error) };
  }
}

/** Without ejecting: has the kernel see the new partitions. Where udev is, it did already. */
export async function rereadPartitions({ path: node }: FlashTarget): Promise<void> {
  await run('blockdev', ['--rereadpt', node]).catch(() => {});
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as Error & { stderr?: string };
  return (stderr || message).trim().split('\n').at(-1) ?? '';
}
