// What the initramfs is told: which file system the slots have, to take the other slot where the chosen
// one cannot be read, and to find the partitions of its disk and the device's settings.
// The settings are there before systemd starts, which reads the name of the machine first of all.
// Debian's initramfs-tools run it.

export type EarlyFile = { path: string; mode: number; text: string };

/** The kernel's argument that names the other slot, as PARTUUID. */
export const OTHER_SLOT_ARGUMENT = 'hearth.other';
/** A link for each partition of the system's own disk, by name, and `slot`, which is a or b. */
export const DISK_FOLDER = '/run/hearth-disk';
/** Where the partition of the settings is mounted. */
export const SETTINGS_FOLDER = '/run/hearth-settings';

/**
 * Run before Debian looks for the root's partition, and so with its name only; what it writes to
 * param.conf is how it answers.
 */
const SLOT_SCRIPT = `#!/bin/sh
case $1 in prereqs) exit 0 ;; esac
for word in $(cat /proc/cmdline); do
	case $word in ${OTHER_SLOT_ARGUMENT}=*) other=\${word#*=} ;; esac
done
[ -n "\${other:-}" ] || exit 0

# A disk may take its time to appear, as one on USB does.
find_partition() {
	link=/dev/disk/by-partuuid/$1
	seconds=0
	until [ -b "$link" ] || [ $seconds -ge 30 ]; do
		sleep 1
		seconds=$((seconds + 1))
	done
	readlink -f "$link"
}

readable() {
	mkdir -p /slot
	mount -t squashfs -o ro "$1" /slot 2>/dev/null || return 1
	cat /slot/usr/lib/systemd/systemd /slot/usr/lib/hearth/data >/dev/null 2>&1
	status=$?
	umount /slot
	return $status
}

# Two disks with the same image may be in one machine: only those beside the root count.
link_partitions() {
	mkdir -p ${DISK_FOLDER}
	for uevent in "$(readlink -f "/sys/class/block/\${root#/dev/}")"/../*/uevent; do
		name= device=
		while IFS='=' read -r key value; do
			case $key in
			DEVNAME) device=/dev/$value ;;
			PARTNAME) name=\${value#hearth-} ;;
			esac
		done <"$uevent"
		[ -z "$name" ] || ln -sfn "$device" "${DISK_FOLDER}/$name"
		[ "$device" != "$root" ] || slot=\${name#system-}
	done
	echo "$slot" >${DISK_FOLDER}/slot
}

# The second model comes with an update: until then there is one for both systems.
choose_model() {
	for name in "model-$slot" model-a; do
		[ "$(head -c 4 "${DISK_FOLDER}/$name" 2>/dev/null)" = hsqs ] || continue
		ln -sfn "$name" ${DISK_FOLDER}/model
		break
	done
}

modprobe -q squashfs
root=$(find_partition "\${ROOT#PARTUUID=}")
if ! readable "$root"; then
	echo "hearth: this system slot cannot be read; trying the other" >/dev/console
	root=$(find_partition "$other")
	echo "ROOT=$root" >>/conf/param.conf
fi
link_partitions
choose_model
mkdir -p ${SETTINGS_FOLDER}
mount -t squashfs -o ro,nosuid,nodev,noexec ${DISK_FOLDER}/settings ${SETTINGS_FOLDER}
`;

export function earlyFiles(): EarlyFile[] {
  const folder = 'usr/share/initramfs-tools';
  return [
    { path: `${folder}/modules.d/hearth`, mode: 0o644, text: 'squashfs\n' },
    { path: `${folder}/scripts/local-premount/hearth-slot`, mode: 0o755, text: SLOT_SCRIPT },
  ];
}
