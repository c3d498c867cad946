// The devices that can be pulled out, with what is on them, for choosing one.
// lsblk knows file systems and labels; which devices these are, sysfs says, as everywhere here.
// What holds the running system is not among them.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type BlockDevice, devicePath } from './block-device.js';
import { mapDevices } from './device-map.js';
import { systemDevices } from './system-disks.js';
import type { SystemView } from './system-view.js';

const run = promisify(execFile);

export type RemovableDevice = Pick<BlockDevice, 'sizeBytes' | 'model' | 'serial' | 'isReadOnly'> & {
  path: string;
  contents: DeviceContent[];
};

/** The disk itself or one of its partitions, where something is on it. */
export type DeviceContent = {
  name: string;
  fsType: string | null;
  label: string | null;
  mountPoints: string[];
};

export async function removableDevices(view: SystemView): Promise<RemovableDevice[]> {
  const map = mapDevices(view);
  const system = systemDevices(map, []);
  const chosen = [...map.devices.values()].filter(
    ({ id, isRemovable, diskId, sizeBytes }) =>
      isRemovable && diskId === null && sizeBytes > 0 && !system.has(id),
  );
  return await Promise.all(chosen.map(describe));
}

async function describe(device: BlockDevice): Promise<RemovableDevice> {
  const { sizeBytes, model, serial, isReadOnly } = device;
  const path = devicePath(device);
  return { path, sizeBytes, model, serial, isReadOnly, contents: await contentsOf(path) };
}

type LsblkDevice = {
  name: string;
  fstype: string | null;
  label: string | null;
  mountpoints: (string | null)[];
};

/** Empty where lsblk is not there or cannot say. */
async function contentsOf(path: string): Promise<DeviceContent[]> {
  const columns = 'NAME,FSTYPE,LABEL,MOUNTPOINTS';
  const listed = await run('lsblk', ['--json', '--list', '-o', columns, '--', path]).catch(
    () => null,
  );
  const { blockdevices } = JSON.parse(listed?.stdout ?? '{"blockdevices":[]}') as {
    blockdevices: LsblkDevice[];
  };
  return blockdevices
    .filter(({ name, fstype }) => fstype !== null || !path.endsWith(`/${name}`))
    .map(({ name, fstype, label, mountpoints }) => ({
      name,
      fsType: fstype,
      label,
      mountPoints: mountpoints.filter((point) => point !== null),
    }));
}
