// The initramfs of a system that its maker signed. Nothing that lies beside the signature is believed: the
// hash is the command line's, and as the other slot has its own, that slot is started anew.
// systemd-boot says by EFI variables what it started, and is told by one what to start once.
import {
  DISK_FOLDER,
  GO_ON,
  readAndLink,
  SAY_AND_FIND,
  STARTED_SYSTEM,
  VERITY_ARGUMENT,
} from './initramfs.js';

/** Of systemd-boot's variables, and of the one by which the initramfs knows that it tried the other slot. */
const LOADER_GUID = '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f';
const HEARTH_GUID = '5caa55fb-2f43-4b57-8e38-02b53a56b9aa';

/** The same where one signed file is for either slot. Who changes the variables chooses among signed ones. */
export const SIGNED_SLOT_SCRIPT = `#!/bin/sh
case $1 in prereqs) exit 0 ;; esac
verity=
for word in $(cat /proc/cmdline); do
	case $word in
	${VERITY_ARGUMENT}=*) verity=\${word#*=} ;;
	esac
done
[ -n "$verity" ] || exit 0

${SAY_AND_FIND}
# Who can write to the disk names its partitions: ../../conf/param.conf would be a file of the initramfs.
is_other() {
	case $1 in
	efi | settings | data | system-[ab] | model-[ab]) return 1 ;;
	esac
}

${readAndLink('is_other "$name"')}
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
