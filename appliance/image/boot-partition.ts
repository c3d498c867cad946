// The EFI partition: shim, systemd-boot, and for each slot an entry, a kernel and its initramfs; where the
// maker signs, systemd-boot without shim, and for each slot an entry and one file.
// Slot A starts; B is the same and stands by, until an update goes there. The menu shows while a key is held at power-on, and
// nothing can be typed into it. Written by mtools into a file, so nothing is mounted.
import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { signProgram } from './boot-signer.js';
import type { ImageBuild, StepOptions } from './build.js';
import { makeEmpty, runTool } from './debian-tools.js';
import {
  type EntryOptions,
  loaderEntry,
  SIGNED_KERNEL,
  SLOTS,
  untriedEntryName,
} from './loader-entry.js';
import { aligned } from './partitions.js';

export type BootPartitionOptions = StepOptions &
  EntryOptions & {
    boot: BootFiles;
    /** eight hexadecimal digits */
    serial: string;
    sizeBytes: number;
  };

/** FAT's own tables, and a kernel that an update makes larger. */
const ROOM_BYTES = 16 << 20;
/** FAT32 has no fewer clusters than fit into this. */
const MIN_BYTES = 64 << 20;

/** Paths by the names that they get. */
export type BootFiles = {
  loaders: Record<string, string>;
  /** of each slot */
  kernel: Record<string, string>;
};

/** `kernel` is the one that the maker signed, or null for Debian's. */
export async function bootFiles(build: ImageBuild, kernel: string | null): Promise<BootFiles> {
  const { base, machine, bootSigner, folder, signal } = build;
  const { shim, loader } = machine;
  if (bootSigner !== null && kernel !== null) {
    const signed = path.join(folder, 'loader.efi');
    await signProgram(base.loader, signed, { ...bootSigner, signal });
    return { loaders: { [shim.efi]: signed }, kernel: { [SIGNED_KERNEL]: kernel } };
  }
  const loaders = { [shim.efi]: base.shim as string, [loader.efi]: base.loader };
  return { loaders, kernel: { vmlinuz: base.kernel, initrd: base.initrd } };
}

/** How large the partition must be. */
export async function bootPartitionBytes({ loaders, kernel }: BootFiles): Promise<number> {
  const files = [loaders, ...SLOTS.map(() => kernel)].flatMap((named) => Object.values(named));
  let sizeBytes = ROOM_BYTES;
  for (const file of files) sizeBytes += (await stat(file)).size;
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
  const { loaders, kernel } = options.boot;
  for (const name of ['EFI/BOOT', 'loader/entries', 'a', 'b'])
    await mkdir(path.join(staging, name), { recursive: true });
  for (const [name, file] of Object.entries(loaders))
    await copyFile(file, path.join(staging, 'EFI/BOOT', name));
  await writeFile(path.join(staging, 'loader/loader.conf'), LOADER_CONFIG);
  for (const slot of SLOTS) {
    for (const [name, file] of Object.entries(kernel))
      await copyFile(file, path.join(staging, slot, name));
    const entry = path.join(staging, `loader/entries/${untriedEntryName(slot)}`);
    await writeFile(entry, loaderEntry(slot, options));
  }
}

const LOADER_CONFIG = `timeout 0
editor no
auto-entries no
auto-firmware no
`;
