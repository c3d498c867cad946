// Copies of /sys and /proc that say what a test wants: disks of every kind that this machine lacks,
// or mounts that it has not. The code under test reads them as it reads the kernel's.
// Only what the code reads is there.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SystemView } from '../../../appliance/flash/system-view.js';

export type FakeMount = {
  id: string;
  at: string;
  source?: string;
  fsType?: string;
  options?: string;
};

export type FakeDisk = {
  name: string;
  id: string;
  sizeBytes?: number;
  removable?: boolean;
  readOnly?: boolean;
  /** The bus its folder is below. */
  bus?: string;
  /** Of an MMC device: SD or MMC. */
  type?: string;
  model?: string;
  partitions?: { name: string; id: string }[];
  /** Names of devices that it is made of. */
  slaves?: string[];
};

/** /proc with these mounts and swaps. */
export function fakeProc(folder: string, mounts: FakeMount[], swaps: string[] = []): string {
  const proc = path.join(folder, 'proc');
  mkdirSync(path.join(proc, 'self'), { recursive: true });
  const lines = mounts.map(
    ({ id, at, source = 'none', fsType = 'ext4', options = 'rw' }, i) =>
      `${20 + i} 1 ${id} / ${escaped(at)} rw - ${fsType} ${escaped(source)} ${escaped(options)}\n`,
  );
  writeFileSync(path.join(proc, 'self/mountinfo'), lines.join(''));
  const rows = swaps.map((swap) => `${swap} partition 1000 0 -2\n`);
  writeFileSync(path.join(proc, 'swaps'), ['Filename Type Size Used Priority\n', ...rows].join(''));
  return proc;
}

export function fakeSystem(
  folder: string,
  disks: FakeDisk[],
  mounts: FakeMount[],
  swaps: string[] = [],
): SystemView {
  const sysPath = path.join(folder, 'sys');
  for (const links of ['dev/block', 'class/block'])
    mkdirSync(path.join(sysPath, links), { recursive: true });
  for (const disk of disks) addDisk(sysPath, disk);
  for (const { name, slaves = [] } of disks)
    for (const slave of slaves) {
      const [upper, lower] = [name, slave].map((each) => path.join(sysPath, 'class/block', each));
      symlinkSync(lower as string, path.join(upper as string, 'slaves', slave));
      symlinkSync(upper as string, path.join(lower as string, 'holders', name));
    }
  return { sysPath, procPath: fakeProc(folder, mounts, swaps) };
}

function addDisk(sysPath: string, disk: FakeDisk): void {
  const { name, bus = 'pci', sizeBytes = 1 << 30, partitions = [] } = disk;
  const port = path.join(sysPath, 'devices', `port-of-${name}`);
  const folder = path.join(port, 'block', name);
  mkdirSync(path.join(folder, 'device'), { recursive: true });
  mkdirSync(path.join(sysPath, 'bus', bus), { recursive: true });
  symlinkSync(path.join(sysPath, 'bus', bus), path.join(port, 'subsystem'));
  addDevice(sysPath, folder, { id: disk.id, sizeBytes });
  writeFileSync(path.join(folder, 'ro'), disk.readOnly ? '1\n' : '0\n');
  writeFileSync(path.join(folder, 'removable'), disk.removable ? '1\n' : '0\n');
  if (disk.type) writeFileSync(path.join(folder, 'device/type'), `${disk.type}\n`);
  if (disk.model) writeFileSync(path.join(folder, 'device/model'), `${disk.model}\n`);
  for (const [i, partition] of partitions.entries()) {
    const at = path.join(folder, partition.name);
    addDevice(sysPath, at, { id: partition.id, sizeBytes: 1 << 20 });
    writeFileSync(path.join(at, 'partition'), `${i + 1}\n`);
  }
}

function addDevice(
  sysPath: string,
  folder: string,
  { id, sizeBytes }: { id: string; sizeBytes: number },
): void {
  for (const part of ['holders', 'slaves']) mkdirSync(path.join(folder, part), { recursive: true });
  writeFileSync(path.join(folder, 'dev'), `${id}\n`);
  writeFileSync(path.join(folder, 'size'), `${sizeBytes / 512}\n`);
  symlinkSync(folder, path.join(sysPath, 'dev/block', id));
  symlinkSync(folder, path.join(sysPath, 'class/block', path.basename(folder)));
}

function escaped(text: string): string {
  return text.replaceAll(' ', '\\040');
}
