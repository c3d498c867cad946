// Which device stands on which: partitions on disks, dm and md on their parts, loops on what they
// read, file systems on all of these. A snapshot, taken again before anything is written.
import { statSync } from 'node:fs';
import path from 'node:path';
import {
  type BlockDevice,
  deviceId,
  devicePath,
  idOfName,
  listBlockDevices,
  readBlockDevice,
} from './block-device.js';
import { type Mount, mountOf, readMounts } from './mounts.js';
import { listFolder, realPath, type SystemView } from './system-view.js';

export type DeviceMap = { view: SystemView; devices: Map<string, BlockDevice>; mounts: Mount[] };

/** What a loop device reads: a device, a file that lies on others, or nobody can tell. */
export type LoopSource =
  | { kind: 'device'; id: string }
  | { kind: 'file'; path: string }
  | { kind: 'unknown' };

export function mapDevices(view: SystemView): DeviceMap {
  const devices = new Map(listBlockDevices(view).map((device) => [device.id, device]));
  return { view, devices, mounts: readMounts(view) };
}

/**
 * `id` and what it is made of, down to the disks. With `throughFiles`, a loop device stands on the
 * disks that hold its file, too; without, writing to it only writes that file.
 */
export function standsOn(map: DeviceMap, id: string, throughFiles: boolean): Set<string> {
  const below = (device: BlockDevice): string[] => {
    const loop = loopSource(map, device);
    const loopIds = loop?.kind === 'device' ? [loop.id] : [];
    const fileIds = throughFiles && loop?.kind === 'file' ? idsOfFile(map, loop.path) : [];
    return [...device.slaves, ...(device.diskId ? [device.diskId] : []), ...loopIds, ...fileIds];
  };
  return closure(map, [id], below);
}

/** `id` and what is made of it: its partitions, dm, md and loop devices, and theirs. */
export function standingOn(map: DeviceMap, id: string): Set<string> {
  const loops = [...map.devices.values()].filter((device) => device.loopFile !== null);
  return closure(map, [id], (device) => [
    ...device.partitions,
    ...device.holders,
    ...loops.flatMap((loop) => {
      const source = loopSource(map, loop);
      return source?.kind === 'device' && source.id === device.id ? [loop.id] : [];
    }),
  ]);
}

/** The devices that hold the file system in which `file` lies. */
export function idsOfFile(map: DeviceMap, file: string): string[] {
  const mount = mountOf(realPath(file) ?? path.resolve(file), map.mounts);
  return mount ? idsOfMount(map, mount) : [];
}

/** Several for Btrfs over several devices and for overlays of several file systems. */
export function idsOfMount(map: DeviceMap, mount: Mount): string[] {
  if (map.devices.has(mount.id)) return [mount.id];
  if (mount.fsType === 'overlay')
    return overlayFolders(mount).flatMap((at) => idsBelow(map, at, mount));
  const id = mount.source.startsWith('/') ? idOfName(mount.source, map.view) : null;
  return id === null ? [] : [id, ...btrfsSiblings(map, id)];
}

/** Null where `device` is not a loop device, or one with nothing attached. */
export function loopSource(map: DeviceMap, { loopFile }: BlockDevice): LoopSource | null {
  if (loopFile === null || loopFile === '') return null;
  try {
    const stats = statSync(loopFile, { bigint: true });
    if (stats.isBlockDevice()) return { kind: 'device', id: deviceId(stats.rdev) };
    return { kind: 'file', path: loopFile };
  } catch {
    const id = loopFile.startsWith('/dev/') ? idOfName(loopFile, map.view) : null;
    return id === null ? { kind: 'unknown' } : { kind: 'device', id };
  }
}

/** For messages: `/dev/sdb1`. */
export function nameOfId(map: DeviceMap, id: string): string {
  const device = map.devices.get(id) ?? readBlockDevice(id, map.view);
  return device ? devicePath(device) : id;
}

function closure(
  map: DeviceMap,
  ids: string[],
  next: (device: BlockDevice) => string[],
): Set<string> {
  const found = new Set<string>();
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    const device = map.devices.get(id);
    if (device) open.push(...next(device));
  }
  return found;
}

function overlayFolders({ options }: Mount): string[] {
  const named = options.split(',').flatMap((option) => {
    const [name = '', value = ''] = option.split('=');
    return /^(lowerdir|upperdir|workdir)/.test(name) ? value.split(':') : [];
  });
  return named.filter((folder) => folder.startsWith('/'));
}

/** Without the overlay itself, which may be mounted over what it is made of. */
function idsBelow(map: DeviceMap, folder: string, overlay: Mount): string[] {
  const mounts = map.mounts.filter(({ fsType }) => fsType !== 'overlay');
  const mount = mountOf(folder, mounts);
  return mount && mount !== overlay ? idsOfMount(map, mount) : [];
}

/** sysfs lists what one Btrfs is made of; its mount names only one of them. */
function btrfsSiblings(map: DeviceMap, id: string): string[] {
  const root = path.join(map.view.sysPath, 'fs/btrfs');
  const name = map.devices.get(id)?.name;
  const group = listFolder(root)
    .map((uuid) => listFolder(path.join(root, uuid, 'devices')))
    .find((names) => names.some((each) => each === name));
  return (group ?? []).flatMap((each) => idOfName(each, map.view) ?? []);
}
