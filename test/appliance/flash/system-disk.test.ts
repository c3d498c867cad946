// Every way to name a disk that holds the running system: on this machine, as a /proc of its own says,
// and on machines that are not here.
import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import {
  addPartition,
  attachLoop,
  blankLoop,
  type LoopDevice,
  SKIP_WITHOUT_LOOP,
} from '../../support/loop-device.js';
import { needs } from '../../support/needs.js';
import { type FakeDisk, type FakeMount, fakeProc, fakeSystem } from './fake-system.js';
import { blank, idOf, MiB, node, refused, symlink } from './refused.js';

const skip = SKIP_WITHOUT_LOOP || needs('mke2fs');

/** What a case of the first table has: a disk with the running system on it, as /proc says. */
type World = {
  t: Test;
  folder: string;
  disk: LoopDevice;
  root: string;
  boot: string;
  spare: string;
};

const NAMES_OF_SYSTEM_DISK: Record<string, (world: World) => string> = {
  'its node': ({ disk }) => disk.path,
  'the partition of /': ({ root }) => root,
  'the partition of /boot/efi': ({ boot }) => boot,
  'another partition of it, which nobody uses': ({ spare }) => spare,
  'a symlink': ({ folder, disk }) => symlink(disk.path, path.join(folder, 'link')),
  'a symlink to the partition': ({ folder, root }) => symlink(root, path.join(folder, 'link')),
  'a symlink to a symlink': ({ folder, disk }) => {
    symlink(disk.path, path.join(folder, 'first'));
    return symlink('first', path.join(folder, 'second'));
  },
  'a name by id': ({ folder, disk }) => {
    mkdirSync(path.join(folder, 'by-id'));
    return symlink(disk.path, path.join(folder, 'by-id/usb-Generic_Card_0000-0:0'));
  },
  'a symlinked folder': ({ folder, disk }) =>
    path.join(symlink('/dev', path.join(folder, 'devices')), disk.name),
  'a relative path': ({ disk }) => path.relative(process.cwd(), disk.path),
  'a path with dots and slashes': ({ disk }) => `/dev/../dev//./${disk.name}`,
  'an open file of this process': ({ t, disk }) => {
    const handle = openSync(disk.path, constants.O_RDONLY);
    t.teardown(() => closeSync(handle));
    return `/proc/self/fd/${handle}`;
  },
  'a node of its own making': ({ folder, disk }) =>
    node(path.join(folder, 'node'), idOf(disk.name)),
  'a node of the partition': ({ folder, root }) => node(path.join(folder, 'node'), idOf(root)),
  'a loop device over it': ({ t, disk }) => attachLoop(t, disk.path, '--read-only').path,
  'a loop device over its partition': ({ t, root }) => attachLoop(t, root, '--read-only').path,
  'a loop device over a loop device over it': ({ t, disk }) =>
    attachLoop(t, attachLoop(t, disk.path, '--read-only').path, '--read-only').path,
  'a loop device over a node of it': ({ t, folder, disk }) =>
    attachLoop(t, node(path.join(folder, 'node'), idOf(disk.name)), '--read-only').path,
};

t.test('the system disk by any name', { skip }, async (t) => {
  const world = systemDisk(t);
  const { root, boot } = world;
  const mounts = [
    { id: idOf(root), at: '/' },
    { id: idOf(boot), at: '/boot/efi', fsType: 'vfat' },
  ];
  const view = { sysPath: '/sys', procPath: fakeProc(world.folder, mounts) };
  for (const [name, nameOf] of Object.entries(NAMES_OF_SYSTEM_DISK))
    await t.test(name, async (t) => {
      const folder = path.join(world.folder, name.replaceAll('/', '_'));
      mkdirSync(folder);
      const device = nameOf({ ...world, t, folder });
      await refused(t, { folder: world.folder, device, view, reason: 'system-disk' });
    });
});

/** Where the system is on the disk in a way that has to be followed; what /proc says of it. */
const USES_OF_SYSTEM_DISK: Record<
  string,
  (world: World) => [mounts: FakeMount[], swaps?: string[]]
> = {
  'swap on a partition': ({ root }) => [[{ id: '0:1', at: '/' }], [root]],
  'a swap file on it': ({ folder, root }) => [
    [
      { id: '0:1', at: '/' },
      { id: idOf(root), at: folder },
    ],
    [path.join(folder, 'swapfile')],
  ],
  'the loop file of a live system': ({ t, folder, root }) => {
    const live = blankLoop(t, path.join(folder, 'filesystem.squashfs'), MiB);
    return [
      [
        { id: idOf(live.name), at: '/' },
        { id: idOf(root), at: folder },
      ],
    ];
  },
  'the lower folder of an overlay': ({ root }) => [
    [
      { id: idOf(root), at: '/lower layer' },
      {
        id: '0:40',
        at: '/',
        source: 'overlay',
        fsType: 'overlay',
        options: 'rw,lowerdir=/lower layer/x',
      },
    ],
  ],
  'a Btrfs without a device number': ({ root }) => [
    [{ id: '0:41', at: '/', source: root, fsType: 'btrfs' }],
  ],
  'home folders': ({ root }) => [
    [
      { id: '0:1', at: '/' },
      { id: idOf(root), at: '/home' },
    ],
  ],
  'a live medium': ({ root }) => [
    [
      { id: '0:1', at: '/' },
      { id: idOf(root), at: '/run/live/medium' },
    ],
  ],
  'the program that runs this': ({ root }) => [
    [
      { id: '0:1', at: '/' },
      { id: idOf(root), at: path.dirname(process.execPath) },
    ],
  ],
  'the image': ({ folder, root }) => [
    [
      { id: '0:1', at: '/' },
      { id: idOf(root), at: folder },
    ],
  ],
};

t.test('a disk that the system needs for anything', { skip }, async (t) => {
  const world = systemDisk(t);
  const { folder, disk } = world;
  for (const [name, procOf] of Object.entries(USES_OF_SYSTEM_DISK))
    await t.test(name, async (t) => {
      const view = { sysPath: '/sys', procPath: fakeProc(folder, ...procOf({ ...world, t })) };
      await refused(t, { folder, device: disk.path, view, reason: 'system-disk' });
    });
});

const SDA: FakeDisk = {
  name: 'sda',
  id: '250:0',
  partitions: [
    { name: 'sda1', id: '250:1' },
    { name: 'sda2', id: '250:2' },
  ],
};
const SDB: FakeDisk = { name: 'sdb', id: '250:16', partitions: [{ name: 'sdb1', id: '250:17' }] };
const ROOT_ON = (id: string) => [{ id, at: '/' }];

/** Device, disks and mounts of machines that are not here. */
const OTHER_MACHINES: Record<
  string,
  { id: string; disks: FakeDisk[]; mounts: ReturnType<typeof ROOT_ON>; reason?: string }
> = {
  'the disk below a volume that is /': {
    id: '250:0',
    disks: [SDA, { name: 'dm-0', id: '251:0', slaves: ['sda2'] }],
    mounts: ROOT_ON('251:0'),
  },
  'the volume that is /': {
    id: '251:0',
    disks: [SDA, { name: 'dm-0', id: '251:0', slaves: ['sda2'] }],
    mounts: ROOT_ON('251:0'),
  },
  'another volume on the disk of /': {
    id: '251:1',
    disks: [
      SDA,
      { name: 'dm-0', id: '251:0', slaves: ['sda2'] },
      { name: 'dm-1', id: '251:1', slaves: ['sda1'] },
    ],
    mounts: ROOT_ON('251:0'),
  },
  'the second disk of a RAID that is /': {
    id: '250:16',
    disks: [SDA, SDB, { name: 'md0', id: '249:0', slaves: ['sda1', 'sdb1'] }],
    mounts: ROOT_ON('249:0'),
  },
  'the disk below an encrypted volume on a RAID that is /': {
    id: '250:16',
    disks: [
      SDA,
      SDB,
      { name: 'md0', id: '249:0', slaves: ['sda1', 'sdb1'] },
      { name: 'dm-0', id: '251:0', slaves: ['md0'] },
      { name: 'dm-1', id: '251:1', slaves: ['dm-0'] },
    ],
    mounts: ROOT_ON('251:1'),
  },
  'the USB stick that the system runs from': {
    id: '250:0',
    disks: [{ ...SDA, removable: true, bus: 'usb' }],
    mounts: ROOT_ON('250:2'),
  },
  'the SD card that the board runs from': {
    id: '250:0',
    disks: [{ ...SDA, name: 'mmcblk0', type: 'SD', bus: 'mmc' }],
    mounts: ROOT_ON('250:1'),
  },
  'a data disk that is mounted and soldered in': {
    id: '250:0',
    disks: [{ ...SDA, name: 'mmcblk0', type: 'MMC', bus: 'mmc' }],
    mounts: [{ id: '250:1', at: '/mnt/data' }],
    reason: 'mounted',
  },
  'a disk whose volume is mounted': {
    id: '250:0',
    disks: [SDA, { name: 'dm-0', id: '251:0', slaves: ['sda2'] }],
    mounts: [{ id: '251:0', at: '/mnt/data' }],
    reason: 'mounted',
  },
  'a stick with an open volume on it': {
    id: '250:0',
    disks: [
      { ...SDA, bus: 'usb' },
      { name: 'dm-0', id: '251:0', slaves: ['sda2'] },
    ],
    mounts: [],
    reason: 'in-use',
  },
  'a stick that is locked': {
    id: '250:0',
    disks: [{ ...SDA, bus: 'usb', readOnly: true }],
    mounts: [],
    reason: 'read-only',
  },
  'a card reader without a card': {
    id: '250:0',
    disks: [{ name: 'sda', id: '250:0', removable: true, sizeBytes: 0 }],
    mounts: [],
    reason: 'no-medium',
  },
  'a partition of a stick': {
    id: '250:1',
    disks: [{ ...SDA, bus: 'usb' }],
    mounts: [],
    reason: 'partition',
  },
};

for (const [name, { id, disks, mounts, reason = 'system-disk' }] of Object.entries(OTHER_MACHINES))
  t.test(name, { skip }, async (t) => {
    const folder = t.testdir();
    const view = fakeSystem(folder, disks, mounts);
    await refused(t, { folder, device: node(path.join(folder, 'node'), id), view, reason });
  });

function systemDisk(t: Test): World {
  const folder = t.testdir();
  const disk = attachLoop(t, blank(path.join(folder, 'system-disk')));
  const [boot, root, spare] = [1, 2, 3].map((number) =>
    addPartition(t, disk, number, [number * 2048, 2048]),
  ) as [string, string, string];
  return { t, folder, disk, root, boot, spare };
}
