// What can be changed on the disk of a device whose firmware knows its maker's key alone: it does not start,
// or changes nothing, or the other slot starts.
import { changeEfiFile, changeProgram, writeEfiFile } from '../data-on-disk.js';
import { onDevice, untilHealthy, untilShown } from '../device.js';
import { changeBlock } from '../update/changed-block.js';
import { type OwnKeysSetting, REFUSED, REFUSED_MS, withMachine } from './setting.js';

const ENTRY = 'loader/entries/hearth-a+3.conf';
/** A start that ends with a damaged slot, and the next one. */
const DAMAGED_MS = 15 * 60_000;

export async function changedDisk(setting: OwnKeysSetting): Promise<void> {
  await changedKernel(setting);
  await changedEntry(setting);
  await otherInitramfs(setting);
  await changedBlocks(setting);
}

async function changedKernel(setting: OwnKeysSetting): Promise<void> {
  const { folder, check } = setting;
  const change = async (disk: string) => await changeProgram(disk, 'a/hearth.efi', folder);
  await withMachine(setting, change, async (machine) => {
    const isRefused = await untilShown(machine, REFUSED, REFUSED_MS);
    check(isRefused, 'kernel, initramfs and command line with another byte in them are refused');
  });
}

/** Whoever can write to the disk can write an entry; firmware asks nobody who signed that. */
async function changedEntry(setting: OwnKeysSetting): Promise<void> {
  const { folder, access, check } = setting;
  const change = async (disk: string) =>
    await changeEfiFile({ disk, name: ENTRY, folder }, (text) => {
      return `${text}options hearth.verity=00:1 init=/bin/sh\n`;
    });
  await withMachine(setting, change, async (machine) => {
    await untilHealthy(machine);
    const line = await onDevice(machine, access, 'cat /proc/cmdline');
    const lockdown = await onDevice(machine, access, 'cat /sys/kernel/security/lockdown');
    check(/\[integrity\]/.test(lockdown), `the kernel is locked down: ${lockdown.trim()}`);
    check(
      !line.includes('init=/bin/sh'),
      `a command line of an entry is not taken: ${line.trim()}`,
    );
  });
}

/** One that is not signed, beside the one that is. */
async function otherInitramfs(setting: OwnKeysSetting): Promise<void> {
  const { folder, check } = setting;
  const change = async (disk: string) => {
    await writeEfiFile(
      { disk, name: 'a/initrd', folder },
      initramfsOf('echo foreign >/dev/ttyS0\n'),
    );
    await changeEfiFile({ disk, name: ENTRY, folder }, (text) => {
      return `${text.toString().replace('efi /a', 'linux /a')}initrd /a/initrd\noptions root=foreign\n`;
    });
  };
  await withMachine(setting, change, async (machine) => {
    const started = untilHealthy(machine).then(() => 'the signed one alone runs');
    const words = /.*(registering initrd|Already started|foreign).*/i;
    const shown = untilShown(machine, words, REFUSED_MS).then(async () => {
      return `it does not start: ${words.exec(await machine.console())?.[0] ?? 'it says nothing'}`;
    });
    const outcome = await Promise.race([started, shown]);
    const screen = await machine.console();
    check(!/foreign/.test(screen), `an initramfs that an entry adds: ${outcome}`);
  });
}

/** An archive (newc) with a file that Debian's initramfs reads as shell before anything else. */
function initramfsOf(script: string): Buffer {
  const entry = (name: string, mode: number, content: string) => {
    const fields = [0, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
    const padded = (text: string) => text + '\0'.repeat((4 - (text.length % 4)) % 4);
    return padded(`${header}${name}\0`) + padded(content);
  };
  const folders = ['conf', 'conf/conf.d'].map((name) => entry(name, 0o40755, ''));
  const file = entry('conf/conf.d/foreign', 0o100644, script);
  return Buffer.from([...folders, file, entry('TRAILER!!!', 0, '')].join(''), 'latin1');
}

async function changedBlocks(setting: OwnKeysSetting): Promise<void> {
  const { access, check } = setting;
  const inA = async (disk: string) => await changeBlock(disk, 'system-a');
  await withMachine(setting, inA, async (machine) => {
    const seconds = await untilHealthy(machine);
    const slot = (await onDevice(machine, access, 'cat /run/hearth-disk/slot')).trim();
    check(
      slot === 'b',
      `a changed block in slot A: slot ${slot.toUpperCase()} answers after ${seconds.toFixed(0)} s`,
    );
    const notice = /should start has changed on the disk; the other one runs/;
    check(await untilShown(machine, notice, DAMAGED_MS), 'the screen says so');
    const left = await onDevice(
      machine,
      access,
      'ls /sys/firmware/efi/efivars | grep -c Hearth || true',
    );
    check(left.trim() === '0', 'and nothing of it is left in firmware');
  });
  const inBoth = async (disk: string) => {
    await inA(disk);
    await changeBlock(disk, 'system-b');
  };
  await withMachine(setting, inBoth, async (machine) => {
    const isRefused = await untilShown(machine, /neither system slot is what it was/, DAMAGED_MS);
    check(isRefused, 'one in slot B, too: neither is run');
  });
}
