// The entries of systemd-boot: one a slot, each with how often it may still be tried.
// systemd-boot starts the entry with the highest version and counts a try off its name; one that has
// none left comes last. So a new system is an entry with a version one higher, and one that never
// answers falls back by itself. The device fills in the same text, from the slot that it installed.
// Where the maker signs, an entry names one file that has the command line in it, and says nothing itself.
import type { ImageMachine } from './image-machine.js';
import { OTHER_SLOT_ARGUMENT, STARTED_SYSTEM, VERITY_ARGUMENT } from './initramfs.js';
import type { Verity } from './verity.js';

export const SLOTS = ['a', 'b'] as const;
export type BootSlot = (typeof SLOTS)[number];

export function otherSlot(slot: BootSlot): BootSlot {
  return slot === 'a' ? 'b' : 'a';
}

/** How often systemd-boot tries a system that has not answered yet. */
const TRIES = 3;

/** Below loader/entries, for a system that has not answered yet. */
export function untriedEntryName(slot: BootSlot): string {
  return `hearth-${slot}+${TRIES}.conf`;
}

/** In the folder of a slot, signed: kernel, initramfs and command line. */
export const SIGNED_KERNEL = 'hearth.efi';

type Machine = Pick<ImageMachine, 'serial'>;

/** What `usr/lib/hearth/boot` fills in: @SLOT@, @VERSION@, @VERITY@, and PARTUUIDs as @ROOT@ and @OTHER@. */
export function entryTemplate(machine: Machine, { isSigned = false } = {}): string {
  const where = `root=PARTUUID=@ROOT@ ${OTHER_SLOT_ARGUMENT}=@OTHER@`;
  const unsigned = `linux /@SLOT@/vmlinuz
initrd /@SLOT@/initrd
options ${commandLine(where, '@VERITY@', machine)}`;
  return `title hearth (slot @SLOT@)
sort-key hearth
version @VERSION@
${isSigned ? `efi /@SLOT@/${SIGNED_KERNEL}` : unsigned}
`;
}

/** Of a system that may lie in either slot: its initramfs asks systemd-boot which one it started. */
export function signedCommandLine(verity: Verity, machine: Machine): string {
  return commandLine(`root=${STARTED_SYSTEM}`, verity, machine);
}

function commandLine(where: string, verity: Verity, { serial }: Machine): string {
  return [
    `${where} rootfstype=squashfs ro`,
    `${VERITY_ARGUMENT}=${verity}`,
    `console=${serial},115200 console=tty0 consoleblank=0`,
    'panic=10 quiet loglevel=3 systemd.show_status=no',
  ].join(' ');
}

export type EntryOptions = {
  /** PARTUUIDs */
  slots: Record<BootSlot, string>;
  /** of the system that both have */
  verity: Verity;
  machine: Machine;
  isSigned?: boolean;
};

export function loaderEntry(slot: BootSlot, options: EntryOptions): string {
  const { slots, verity, machine, isSigned } = options;
  const values: Record<string, string> = {
    SLOT: slot,
    ROOT: slots[slot],
    OTHER: slots[otherSlot(slot)],
    VERITY: verity,
    // Slot A is the first to start.
    VERSION: slot === 'a' ? '2' : '1',
  };
  return entryTemplate(machine, { isSigned }).replace(/@(\w+)@/g, (_, name) => values[name] ?? '');
}
