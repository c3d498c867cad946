// The EFI partition: shim, systemd-boot, and for each slot an entry, a kernel and its initramfs.
// Slot A starts; B is the same and stands by, until an update goes there. The menu shows while a key is held at power-on, and
// nothing can be typed into it. Written by mtools into a file, so nothing is mounted.
import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ImageBuild, StepOptions } from './build.js';
import type { DebianBase } from './debian-base.js';
import { makeEmpty, runTool } from './debian-tools.js';
import { type EntryOptions, loaderEntry, SLOTS, untriedEntryName } from './loader-entry.js';
import { aligned } from './partitions.js';

export type BootPartitionOptions = StepOptions &
  Pick<ImageBuild, 'base' | 'machine'> &
  Omit<EntryOptions, 'machine'> & {
    /** eight hexadecimal digits */
    serial: string;
    sizeBytes: number;
  };

/** FAT's own tables, and a kernel that an update makes larger. */
const ROOM_BYTES = 16 << 20;
/** FAT32 has no fewer clusters than fit into this. */
const MIN_BYTES = 64 << 20;

/** How large the partition must be. */
export async function bootPartitionBytes(base: DebianBase): Promise<number> {
  const { kernel, initrd, shim, loader } = base;
  let sizeBytes = ROOM_BYTES;
  for (const file of [kernel, kernel, initrd, initrd, shim, loader])
    sizeBytes += (await stat(file)).size;
  return Math.max(MIN_BYTES, aligned(sizeBytes));
}

/** Path of the file system. */
export async function bootPartition(options: BootPartitionOptions): Promise<string> {
  const { folder, sizeBytes, serial, epoch, signal } = options;
  const staging = path.join(folder, 'efi');
  await stage(staging, options);
  const image = path.join(folder, 'efi.fat');
  await makeEmpty(image, sizeBytes);
  const env = { SOURCE_DATE_EPOCH: `${epoch}` };
  const format = ['-F', '32', '-i', serial, '-n', 'HEARTH-EFI', '--invariant', image];
  await runTool('mkfs.vfat', format, { env, signal });
  const tops = ['EFI', 'loader', 'a', 'b'].map((name) => path.join(staging, name));
  await runTool('mcopy', ['-s', '-i', image, ...tops, '::'], { env, signal });
  return image;
}

async function stage(staging: string, options: BootPartitionOptions) {
  const { base, machine } = options;
  for (const name of ['EFI/BOOT', 'loader/entries', 'a', 'b'])
    await mkdir(path.join(staging, name), { recursive: true });
  for (const name of ['shim', 'loader'] as const)
    await copyFile(base[name], path.join(staging, 'EFI/BOOT', machine[name].efi));
  await writeFile(path.join(staging, 'loader/loader.conf'), LOADER_CONFIG);
  for (const slot of SLOTS) {
    await copyFile(base.kernel, path.join(staging, slot, 'vmlinuz'));
    await copyFile(base.initrd, path.join(staging, slot, 'initrd'));
    const entry = path.join(staging, `loader/entries/${untriedEntryName(slot)}`);
    await writeFile(entry, loaderEntry(slot, options));
  }
}

const LOADER_CONFIG = `timeout 0
editor no
auto-entries no
auto-firmware no
`;
