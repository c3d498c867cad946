// Tries to flash a device that must not be written, and sees that nothing was. What goes through would
// end at the question, which nobody answers with yes, so that a mistake in here destroys nothing.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import { flash } from '../../../appliance/flash/flash.js';
import { type SystemView, THIS_SYSTEM } from '../../../appliance/flash/system-view.js';
import { attachLoop, type LoopDevice } from '../../support/loop-device.js';
import { patternImage } from './pattern-image.js';

export const MiB = 1 << 20;
export const DISK_BYTES = 4 * MiB;
export const IMAGE_BYTES = 2 * MiB;

export type Attempt = {
  device: string;
  view?: SystemView;
  image?: string;
  /** While the user is asked; without, nobody may be asked. */
  meanwhile?: () => void;
};

type Refusal = Attempt & { folder: string; reason: string };

/** Nothing in `folder`, the files of the loop devices among it, may be another afterwards. */
export async function refused(
  t: Test,
  { folder, device, view = THIS_SYSTEM, image, meanwhile, reason }: Refusal,
): Promise<void> {
  const imagePath = image ?? imageIn(folder);
  const before = digests(folder);
  const confirm = async () => {
    t.ok(meanwhile, 'asked only where it is expected');
    meanwhile?.();
    return meanwhile !== undefined;
  };
  const attempt = flash({ imagePath, deviceName: device, view, confirm });
  await t.rejects(attempt, { name: 'FlashError', reason });
  t.same(digests(folder), before, 'nothing is written');
}

/** Something to lose. */
export function blank(file: string): string {
  writeFileSync(file, Buffer.alloc(DISK_BYTES, 'precious'));
  return file;
}

export function imageIn(folder: string): string {
  const file = path.join(folder, 'disk.img');
  if (!existsSync(file)) writeFileSync(file, patternImage(IMAGE_BYTES));
  return file;
}

export function compressedIn(folder: string): string {
  execFileSync('zstd', ['-q', '-1', imageIn(folder)]);
  return path.join(folder, 'disk.img.zst');
}

export function formatted(t: Test, folder: string): LoopDevice {
  const disk = attachLoop(t, blank(path.join(folder, 'disk')));
  execFileSync('mke2fs', ['-q', '-F', disk.path]);
  return disk;
}

export function mounted(t: Test, folder: string): LoopDevice {
  const disk = formatted(t, folder);
  mount(t, disk);
  return disk;
}

/** Not in the test's folder, which is removed before it is unmounted. */
export function mount(t: Test, disk: LoopDevice): void {
  const mountPoint = mkdtempSync(path.join(tmpdir(), 'hearth mounted-'));
  execFileSync('mount', ['-o', 'ro', disk.path, mountPoint]);
  t.teardown(() => {
    spawnSync('umount', [mountPoint]);
    rmSync(mountPoint, { recursive: true });
  });
}

export function symlink(target: string, file: string): string {
  symlinkSync(target, file);
  return file;
}

export function node(file: string, id: string): string {
  execFileSync('mknod', [file, 'b', ...id.split(':')]);
  return file;
}

export function idOf(name: string): string {
  return readFileSync(path.join('/sys/class/block', path.basename(name), 'dev'), 'utf8').trim();
}

function digests(folder: string): Record<string, string> {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ name }) => {
      const bytes = readFileSync(path.join(folder, name));
      return [name, createHash('sha256').update(bytes).digest('hex')];
    }),
  );
}
