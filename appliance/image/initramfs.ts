// What the initramfs is told: to check every block of the chosen slot and take the other one where it is
// damaged, and to find the partitions of its disk and the device's settings.
// The settings are there before systemd starts, which reads the name of the machine first of all.
// Where the maker signs, nothing that lies beside the signature is believed: the hash is the command line's,
// and the other slot has its own, so it is started anew. Debian's initramfs-tools run it.
import type { SystemFeatures } from './debian-packages.js';

export type EarlyFile = { path: string; mode: number; text: string };

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

/** Of systemd-boot's variables, and of the one by which the initramfs knows that it tried the other slot. */
const LOADER_GUID = '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f';
const HEARTH_GUID = '5caa55fb-2f43-4b57-8e38-02b53a56b9aa';

/** What both scripts know. */
const SAY_AND_FIND = `say() {
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
const READ_AND_LINK = `# All of it is read once: what is damaged anywhere is found now, while there is another. A damaged one goes
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
		[ -z "$name" ] || ln -sfn "$device" "${DISK_FOLDER}/$name"
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
const GO_ON = `choose_model
mkdir -p ${SETTINGS_FOLDER}
mount -t squashfs -o ro,nosuid,nodev,noexec ${DISK_FOLDER}/settings ${SETTINGS_FOLDER}
`;

/**
 * Run before Debian looks for the root's partition, and so with its name only; what it writes to
 * param.conf is how it answers.
 */
const SLOT_SCRIPT = `#!/bin/sh
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

${READ_AND_LINK}
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

/** The same where one signed file is for either slot. Who changes the variables chooses among signed ones. */
const SIGNED_SLOT_SCRIPT = `#!/bin/sh
case $1 in prereqs) exit 0 ;; esac
verity=
for word in $(cat /proc/cmdline); do
	case $word in
	${VERITY_ARGUMENT}=*) verity=\${word#*=} ;;
	esac
done
[ -n "$verity" ] || exit 0

${SAY_AND_FIND}
${READ_AND_LINK}
variables=/sys/firmware/efi/efivars
tried=HearthTriedOther-${HEARTH_GUID}

# Four bytes of attributes, then UTF-16; all that is asked for is in ASCII.
variable() {
	cat "$variables/$1" 2>/dev/null | tail -c +5 | tr -d '\\000'
}

# Kept when the power goes; the kernel takes it in one write only.
set_variable() {
	forget "$1"
	printf "\\007\\000\\000\\000$(echo "$2" | sed 's/./&\\\\000/g')\\000\\000" >"$variables/$1"
}

forget() {
	[ -e "$variables/$1" ] || return 0
	chattr -i "$variables/$1"
	rm -f "$variables/$1"
}

modprobe -q -a squashfs dm_verity efivarfs
[ -e "$variables/LoaderEntrySelected-${LOADER_GUID}" ] || mount -t efivarfs efivarfs "$variables"
slot=$(variable LoaderEntrySelected-${LOADER_GUID})
slot=\${slot#hearth-}
slot=\${slot%%[!ab]*}
other=$(echo "$slot" | tr ab ba)
part=$(find_partition "$(variable LoaderDevicePartUUID-${LOADER_GUID} | tr A-F a-f)")
chosen=$slot
link_partitions
slot=$chosen
echo "$slot" >${DISK_FOLDER}/slot
ln -sfn "system-$slot" ${STARTED_SYSTEM}
if readable "$(readlink -f ${STARTED_SYSTEM})" "$verity"; then
	[ "$(variable "$tried")" != "$other" ] ||
		echo 'The system that should start has changed on the disk; the other one runs.' >>/run/hearth-notices
	forget "$tried"
elif [ -e "$variables/$tried" ]; then
	say 'neither system slot is what it was; starting again'
	forget "$tried"
	sleep 10
	reboot -f
else
	say 'this system slot is damaged; trying the other'
	set_variable "$tried" "$slot"
	set_variable LoaderEntryOneShot-${LOADER_GUID} "hearth-$other*"
	sleep 2
	reboot -f
fi
echo "ROOT=$system" >>/conf/param.conf
${GO_ON}`;

const HOOK = `#!/bin/sh
case $1 in prereqs) exit 0 ;; esac
. /usr/share/initramfs-tools/hook-functions
copy_exec /usr/sbin/dmsetup
copy_exec /usr/bin/od
`;
const SIGNED_HOOK = `${HOOK}copy_exec /usr/bin/chattr
`;

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
