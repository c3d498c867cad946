// What the initramfs is told: to check every block of the chosen slot and take the other one where it is
// damaged, and to find the partitions of its disk and the device's settings.
// The settings are there before systemd starts, which reads the name of the machine first of all.
// Debian's initramfs-tools run it. Where the maker signs, signed-initramfs.ts stands in its place.

/** The kernel's argument that names the other slot, as PARTUUID. */
export const OTHER_SLOT_ARGUMENT = 'hearth.other';
/** And the one that says what the blocks of the chosen slot are, as in verity.ts. */
export const VERITY_ARGUMENT = 'hearth.verity';
/** A link for each partition of the system's own disk, by name, and `slot`, which is a or b. */
export const DISK_FOLDER = '/run/hearth-disk';
/** The slot whose system runs, where the command line is for either: RAUC looks there for `root=`. */
export const STARTED_SYSTEM = `${DISK_FOLDER}/system`;
/** Where the partition of the settings is mounted. */
export const SETTINGS_FOLDER = '/run/hearth-settings';
/** What hearth serve leaves there for usr/lib/hearth/setup. */
export const SETUP_REQUEST = '/var/lib/hearth/setup.json';

/** Shell: what a signed system's script knows, too. */
export const SAY_AND_FIND = `say() {
	for console in $(cat /sys/class/tty/console/active); do
		echo "hearth: $1" >"/dev/$console"
	done
}

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
`;
/** `isOther`: what says that the partition called `$name` is none of ours. */
export function readAndLink(isOther: string): string {
  return `# All of it is read once: what is damaged anywhere is found now, while there is another. A damaged one goes
# as soon as udev, which looks at it, too, has let go of it.
readable() {
	blocks=\${2#*:}
	table="0 $((blocks * 8)) verity 1 $1 $1 4096 4096 $blocks $((blocks + 1)) sha256 \${2%:*} -"
	name=hearth-\${1##*/}
	dmsetup create "$name" --readonly --noudevsync --table "$table" || return 1
	system=/dev/$(dmsetup info -c --noheadings -o blkdevname "$name")
	cat "$system" >/dev/null 2>&1 && return 0
	dmsetup remove --deferred --noudevsync "$name"
	return 1
}

# Two disks with the same image may be in one machine: only those beside the root count.
link_partitions() {
	mkdir -p ${DISK_FOLDER}
	for uevent in "$(readlink -f "/sys/class/block/\${part#/dev/}")"/../*/uevent; do
		name= device=
		while IFS='=' read -r key value; do
			case $key in
			DEVNAME) device=/dev/$value ;;
			PARTNAME) name=\${value#hearth-} ;;
			esac
		done <"$uevent"
		${isOther} || ln -sfn "$device" "${DISK_FOLDER}/$name"
		[ "$device" != "$part" ] || slot=\${name#system-}
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
`;
}
export const GO_ON = `choose_model
mkdir -p ${SETTINGS_FOLDER}
mount -t squashfs -o ro,nosuid,nodev,noexec ${DISK_FOLDER}/settings ${SETTINGS_FOLDER}
`;

/**
 * Run before Debian looks for the root's partition, and so with its name only; what it writes to
 * param.conf is how it answers.
 */
export const SLOT_SCRIPT = `#!/bin/sh
case $1 in prereqs) exit 0 ;; esac
for word in $(cat /proc/cmdline); do
	case $word in
	${OTHER_SLOT_ARGUMENT}=*) other=\${word#*=} ;;
	${VERITY_ARGUMENT}=*) verity=\${word#*=} ;;
	esac
done
[ -n "\${other:-}" ] || exit 0

${SAY_AND_FIND}
# Of a slot whose hash the command line has not: behind its files.
verity_of() {
	bytes=$(/usr/bin/od -An -tu8 -j40 -N8 "$1")
	dd if="$1" bs=4096 skip=$((($bytes + 4095) / 4096)) count=1 2>/dev/null | head -n 1
}

${readAndLink('[ -z "$name" ]')}
modprobe -q -a squashfs dm_verity
part=$(find_partition "\${ROOT#PARTUUID=}")
if ! readable "$part" "$verity"; then
	say 'this system slot is damaged; trying the other'
	part=$(find_partition "$other")
	if ! readable "$part" "$(verity_of "$part")"; then
		say 'neither system slot is what it was; starting again'
		sleep 10
		reboot -f
	fi
	echo 'The system that should start has changed on the disk; the other one runs.' >>/run/hearth-notices
fi
echo "ROOT=$system" >>/conf/param.conf
link_partitions
${GO_ON}`;
