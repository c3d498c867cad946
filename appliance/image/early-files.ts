// What makes Debian's initramfs that of a device: files for initramfs-tools, there before the kernel is
// installed. One script, by whose key the device starts.
import type { SystemFeatures } from './debian-packages.js';
import { SLOT_SCRIPT } from './initramfs.js';
import { SIGNED_SLOT_SCRIPT } from './signed-initramfs.js';

export type EarlyFile = { path: string; mode: number; text: string };

export function earlyFiles({ isSigned }: Pick<SystemFeatures, 'isSigned'>): EarlyFile[] {
  const folder = 'usr/share/initramfs-tools';
  const modules = `squashfs\ndm_verity\n${isSigned ? 'efivarfs\n' : ''}`;
  const [hook, script] = isSigned ? [SIGNED_HOOK, SIGNED_SLOT_SCRIPT] : [HOOK, SLOT_SCRIPT];
  return [
    { path: `${folder}/modules.d/hearth`, mode: 0o644, text: modules },
    { path: `${folder}/hooks/hearth-system`, mode: 0o755, text: hook },
    { path: `${folder}/scripts/local-premount/hearth-slot`, mode: 0o755, text: script },
  ];
}

const HOOK = `#!/bin/sh
case $1 in prereqs) exit 0 ;; esac
. /usr/share/initramfs-tools/hook-functions
copy_exec /usr/sbin/dmsetup
copy_exec /usr/bin/od
`;
const SIGNED_HOOK = `${HOOK}copy_exec /usr/bin/chattr
`;
