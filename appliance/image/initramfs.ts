// What the initramfs is told: which file system the slots have, and to take the other slot where
// the chosen one cannot be read. Debian's initramfs-tools run it.

export type EarlyFile = { path: string; mode: number; text: string };

/** The kernel's argument that names the other slot, as PARTUUID. */
export const OTHER_SLOT_ARGUMENT = 'hearth.other';

/** Read right before the root is mounted; what it writes to param.conf is how it answers. */
const SLOT_SCRIPT = `#!/bin/sh
case $1 in prereqs) exit 0 ;; esac
for word in $(cat /proc/cmdline); do
	case $word in ${OTHER_SLOT_ARGUMENT}=*) other=\${word#*=} ;; esac
done
[ -n "\${other:-}" ] || exit 0
device=/dev/disk/by-partuuid/\${ROOT#PARTUUID=}
modprobe -q squashfs
mkdir -p /slot
if mount -t squashfs -o ro "$device" /slot 2>/dev/null; then
	cat /slot/usr/lib/systemd/systemd /slot/usr/lib/hearth/data >/dev/null 2>&1
	readable=$?
	umount /slot
	[ "$readable" -ne 0 ] || exit 0
fi
echo "hearth: this system slot cannot be read; trying the other" >/dev/console
echo "ROOT=/dev/disk/by-partuuid/$other" >>/conf/param.conf
`;

export function earlyFiles(): EarlyFile[] {
  const folder = 'usr/share/initramfs-tools';
  return [
    { path: `${folder}/modules.d/hearth`, mode: 0o644, text: 'squashfs\n' },
    { path: `${folder}/scripts/local-premount/hearth-slot`, mode: 0o755, text: SLOT_SCRIPT },
  ];
}
