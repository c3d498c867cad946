// What the running system stands on: the file systems it lives in, its swap, hearth's own program.
// Followed down to the disks, so that every name of a system disk leads to the same answer.
import { idOfName } from './block-device.js';
import { type DeviceMap, idsOfFile, idsOfMount, standsOn } from './device-map.js';
import type { Mount } from './mounts.js';
import { readSwaps } from './mounts.js';

/** Only these folders; people mount cards below some of them. */
const SYSTEM_FOLDERS = new Set(['/', '/home', '/opt', '/root', '/srv', '/tmp']);
/** These and all below, those of live systems, NixOS, Guix and OSTree included. */
const SYSTEM_TREES =
  '/bin /boot /cdrom /efi /etc /gnu /lib /lib64 /nix /overlay /rofs /rom /run/initramfs /run/live /run/rootfsbase /sbin /snap /sysroot /usr /var'.split(
    ' ',
  );

/**
 * By id: what of the system lies on that device, to follow "holds" in a sentence. `files` are
 * others that must outlive the write, the image for example, with what they are.
 */
export function systemDevices(
  map: DeviceMap,
  files: { path: string; what: string }[],
): Map<string, string> {
  const uses = [
    ...map.mounts.filter(isOfSystem).map((mount) => ({
      ids: idsOfMount(map, mount),
      what: `${mount.mountPoint} of the running system`,
    })),
    ...readSwaps(map.view).map((swap) => ({ ids: idsOfSwap(map, swap), what: 'its swap' })),
    ...files.map(({ path, what }) => ({ ids: idsOfFile(map, path), what })),
  ];
  const found = new Map<string, string>();
  for (const { ids, what } of uses)
    for (const id of ids)
      for (const below of standsOn(map, id, true)) if (!found.has(below)) found.set(below, what);
  return found;
}

function isOfSystem({ mountPoint }: Mount): boolean {
  return (
    SYSTEM_FOLDERS.has(mountPoint) ||
    SYSTEM_TREES.some((tree) => mountPoint === tree || mountPoint.startsWith(`${tree}/`))
  );
}

function idsOfSwap(map: DeviceMap, swap: string): string[] {
  const id = idOfName(swap, map.view);
  return id === null || !swap.startsWith('/dev/') ? idsOfFile(map, swap) : [id];
}
