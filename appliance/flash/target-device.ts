// From the name that the user gave to the device that is written, or to the reason why it is not.
// Every check is of the device that the name leads to, never of the name.
import { type BigIntStats, statSync } from 'node:fs';
import { formatDisk } from '../../terminal/units.js';
import { type BlockDevice, deviceId, devicePath, readBlockDevice } from './block-device.js';
import {
  type DeviceMap,
  idsOfMount,
  loopSource,
  mapDevices,
  nameOfId,
  standingOn,
  standsOn,
} from './device-map.js';
import { FlashError, type FlashReason } from './flash-error.js';
import { type Mount, readSwaps } from './mounts.js';
import { systemDevices } from './system-disks.js';
import { orNull, realPath, type SystemView } from './system-view.js';

export type FlashTarget = {
  device: BlockDevice;
  /** Its node, with no symlink left. */
  path: string;
  /** What is mounted from it, to be unmounted in this order. */
  mounts: Mount[];
};

export type TargetRequest = {
  name: string;
  /** Of what is to be written. */
  sizeBytes: number;
  /** Files that must not lie on the device, with what they are: the image. */
  files: { path: string; what: string }[];
  view: SystemView;
};

/** Throws {@link FlashError} unless the device may be overwritten with so many bytes. */
export function findTarget({ name, sizeBytes, files, view }: TargetRequest): FlashTarget {
  const { device, path } = findDevice(name, view);
  const map = mapDevices(view);
  map.devices.set(device.id, device);
  refuseSystem(map, device, files);
  refuseSharedFile(map, device, files);
  refuseUnsuited(map, device, sizeBytes);
  return { device, path, mounts: mountsToEnd(map, device) };
}

/** The block device that `name` leads to. Throws {@link FlashError} where it is not one. */
function findDevice(name: string, view: SystemView): { device: BlockDevice; path: string } {
  const path = realPath(name);
  const stats = path && orNull(() => statSync(path, { bigint: true }));
  if (!path || !stats)
    throw refusal('no-device', name, 'does not exist; hearth flash lists the devices there are');
  if (!stats.isBlockDevice())
    throw refusal('no-device', name, `is ${kindOf(stats)}, not a block device such as /dev/sdb`);
  const device = readBlockDevice(deviceId(stats.rdev), view);
  if (!device) throw refusal('no-device', name, 'is a node without a device behind it');
  return { device, path };
}

function refuseSystem(map: DeviceMap, device: BlockDevice, files: TargetRequest['files']): void {
  const system = systemDevices(map, files);
  const related = [...standsOn(map, device.id, false), ...standingOn(map, device.id)];
  for (const id of related) {
    const what = system.get(id);
    if (what === undefined) continue;
    const through = id === device.id ? '' : ` (through ${nameOfId(map, id)})`;
    const problem = `holds ${what}${through}; choose another disk`;
    throw refusal('system-disk', devicePath(device), problem);
  }
}

/** A loop device writes a file, which others may read at the same time. */
function refuseSharedFile(
  map: DeviceMap,
  device: BlockDevice,
  files: TargetRequest['files'],
): void {
  const source = loopSource(map, device);
  if (source?.kind !== 'file') return;
  const file = realPath(source.path);
  const fail = (reason: FlashReason, problem: string) =>
    refusal(reason, devicePath(device), `stands for ${file}, ${problem}`);
  const image = files.find(({ path }) => realPath(path) === file);
  if (image) throw fail('in-use', image.what);
  if (readSwaps(map.view).includes(source.path)) throw fail('system-disk', 'which is swap');
  const others = [...map.devices.values()].filter(({ id }) => id !== device.id);
  const other = others.find(({ loopFile }) => loopFile !== null && realPath(loopFile) === file);
  if (other) throw fail('in-use', `and so does ${devicePath(other)}; detach one of them`);
}

function refuseUnsuited(map: DeviceMap, device: BlockDevice, sizeBytes: number): void {
  const fail = (reason: FlashReason, problem: string) =>
    refusal(reason, devicePath(device), problem);
  if (device.diskId !== null)
    throw fail('partition', `is a partition; name its disk, ${nameOfId(map, device.diskId)}`);
  if (loopSource(map, device)?.kind === 'unknown')
    throw fail('in-use', `stands for ${device.loopFile}, which is not there; detach it first`);
  if (device.sizeBytes === 0) throw fail('no-medium', 'has no medium in it');
  if (device.isReadOnly)
    throw fail('read-only', 'is read-only; move the lock on the card, or choose another');
  if (device.sizeBytes < sizeBytes)
    throw fail(
      'too-small',
      `holds ${formatDisk(device.sizeBytes)}, the image needs ${formatDisk(sizeBytes)}`,
    );
}

/** Throws where something uses the disk that is not to be ended for the user. */
function mountsToEnd(map: DeviceMap, device: BlockDevice): Mount[] {
  const above = standingOn(map, device.id);
  const mounts = map.mounts.filter((mount) => idsOfMount(map, mount).some((id) => above.has(id)));
  const path = devicePath(device);
  if (mounts.length > 0 && !device.isRemovable) {
    const points = [...new Set(mounts.map(({ mountPoint }) => mountPoint))].join(', ');
    throw refusal('mounted', path, `is mounted at ${points} and not removable; unmount it first`);
  }
  const users = [...above].filter((id) => id !== device.id && !device.partitions.includes(id));
  if (users.length > 0) {
    const names = users.map((id) => nameOfId(map, id)).join(', ');
    throw refusal('in-use', path, `is part of ${names}; take that apart first`);
  }
  return mounts.reverse();
}

/** A card may have been changed, or a name given to another disk, while the user was asked. */
export function refuseOther({ path, device }: FlashTarget, now: BlockDevice | null): void {
  const isSame =
    now?.id === device.id && now.sequence === device.sequence && now.sizeBytes === device.sizeBytes;
  if (!isSame)
    throw new FlashError('changed', `${path} is another medium than before; nothing was written`);
}

function refusal(reason: FlashReason, name: string, problem: string): FlashError {
  return new FlashError(reason, `${name} ${problem}`);
}

function kindOf(stats: BigIntStats): string {
  if (stats.isFile()) return 'a file';
  if (stats.isDirectory()) return 'a folder';
  return stats.isCharacterDevice() ? 'a character device' : 'something else';
}
