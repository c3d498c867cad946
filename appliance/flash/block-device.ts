// One block device as sysfs describes it: what it is, what it stands on, what stands on it.
// Found by its number, because names are many: nodes, symlinks by id, dm and loop names.
import path from 'node:path';
import { listFolder, readAttribute, realPath, type SystemView } from './system-view.js';

const SECTOR_BYTES = 512;
/** What hangs on these can be pulled out. */
const HOTPLUG_BUSES = new Set(['usb', 'ieee1394', 'pcmcia']);

export type BlockDevice = {
  /** Major and minor number, `8:16`. */
  id: string;
  /** The kernel's, `sdb`. */
  name: string;
  /** 0 where no medium is in it. */
  sizeBytes: number;
  isReadOnly: boolean;
  /** By what the kernel says of it, or because its bus is one to pull things from. */
  isRemovable: boolean;
  /** Of the disk, where this is a partition. */
  diskId: string | null;
  /** Ids of what it is made of, for dm and md. */
  slaves: string[];
  /** Ids of its partitions, and of the dm and md devices on it. */
  partitions: string[];
  holders: string[];
  /** Of a loop device. */
  loopFile: string | null;
  /** Counts the media of all drives since boot; another one means another medium. */
  sequence: string | null;
  model: string | null;
  serial: string | null;
  /** Its folder in sysfs. */
  folder: string;
};

/** Null where the kernel knows no such device. */
export function readBlockDevice(id: string, { sysPath }: SystemView): BlockDevice | null {
  const folder = realPath(path.join(sysPath, 'dev/block', id));
  if (folder === null) return null;
  const isPartition = readAttribute(path.join(folder, 'partition')) !== null;
  const diskFolder = isPartition ? path.dirname(folder) : folder;
  const disk = (name: string) => readAttribute(path.join(diskFolder, name));
  const own = (name: string) => readAttribute(path.join(folder, name));
  return {
    id,
    name: path.basename(folder),
    sizeBytes: Number(own('size') ?? 0) * SECTOR_BYTES,
    isReadOnly: own('ro') === '1' || disk('ro') === '1',
    isRemovable: disk('removable') === '1' || isPulledOut(diskFolder, sysPath),
    diskId: isPartition ? disk('dev') : null,
    slaves: idsIn(path.join(folder, 'slaves')),
    partitions: isPartition ? [] : partitionIds(folder),
    holders: idsIn(path.join(folder, 'holders')),
    loopFile: own('loop/backing_file'),
    sequence: disk('diskseq'),
    model:
      [disk('device/vendor'), disk('device/model') ?? disk('device/name')]
        .filter(Boolean)
        .join(' ') || null,
    serial: disk('device/serial') ?? usbAttribute(diskFolder, sysPath, 'serial'),
    folder,
  };
}

/** Every device the kernel knows, by id. */
export function listBlockDevices(view: SystemView): BlockDevice[] {
  return listFolder(path.join(view.sysPath, 'dev/block')).flatMap(
    (id) => readBlockDevice(id, view) ?? [],
  );
}

/** `sda1`, or a path that ends in it, as its id. */
export function idOfName(name: string, { sysPath }: SystemView): string | null {
  const kernelName = path.basename(realPath(name) ?? name);
  return readAttribute(path.join(sysPath, 'class/block', kernelName, 'dev'));
}

/** The node that udev and devtmpfs make; `!` stands for a slash in a kernel name. */
export function devicePath({ name }: BlockDevice): string {
  return `/dev/${name.replaceAll('!', '/')}`;
}

/** As the kernel writes it in sysfs and mountinfo: Linux spreads both numbers over 64 bits. */
export function deviceId(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}

function partitionIds(folder: string): string[] {
  return listFolder(folder)
    .filter((name) => readAttribute(path.join(folder, name, 'partition')) !== null)
    .flatMap((name) => readAttribute(path.join(folder, name, 'dev')) ?? []);
}

function idsIn(folder: string): string[] {
  return listFolder(folder).flatMap((name) => readAttribute(path.join(folder, name, 'dev')) ?? []);
}

/** Cards in a slot say that they are not removable; an SD card is, memory soldered in is not. */
function isPulledOut(folder: string, sysPath: string): boolean {
  if (readAttribute(path.join(folder, 'device/type')) === 'SD') return true;
  return parentsOf(folder, sysPath).some((parent) => HOTPLUG_BUSES.has(busOf(parent)));
}

function usbAttribute(folder: string, sysPath: string, name: string): string | null {
  const usb = parentsOf(folder, sysPath).filter((parent) => busOf(parent) === 'usb');
  return usb.map((parent) => readAttribute(path.join(parent, name))).find(Boolean) ?? null;
}

function busOf(folder: string): string {
  return path.basename(realPath(path.join(folder, 'subsystem')) ?? '');
}

/** The nearest first. */
function parentsOf(folder: string, sysPath: string): string[] {
  const root = realPath(sysPath) ?? sysPath;
  const parent = path.dirname(folder);
  return parent.length > root.length ? [parent, ...parentsOf(parent, sysPath)] : [];
}
