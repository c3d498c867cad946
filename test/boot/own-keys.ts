// An image that its maker signed, in a machine whose firmware knows no other key: what has changed on the
// disk does not start, or changes nothing, or the other slot starts; and an update does.
import { constants } from 'node:fs';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { BootSigner } from '../../appliance/image/boot-signer.js';
import { makeUpdateKeys, UPDATE_KEYS } from '../../appliance/update/update-keys.js';
import { changeEfiFile, changeProgram, writeEfiFile } from './data-on-disk.js';
import { type Access, ask, onDevice, untilHealthy, untilShown } from './device.js';
import { goodBundle } from './update/bundles.js';
import { changeBlock } from './update/changed-block.js';
import { serveUpdates } from './update/server.js';
import { restart, untilSettled } from './update/setting.js';
import { type MachineOptions, startMachine, type VirtualMachine } from './virtual-machine.js';

export type OwnKeysSetting = MachineOptions & {
  disk: string;
  access: Access;
  check: (isRight: boolean, what: string) => void;
};

const ENTRY = 'loader/entries/hearth-a+3.conf';
const REFUSED = /Security Violation|Access Denied/i;
/** Shell: release, slot, and the last byte of firmware's variable. */
const RUNS =
  "cat /usr/lib/hearth/release /run/hearth-disk/slot; od -An -tu1 -j4 -N1 /sys/firmware/efi/efivars/SecureBoot-* | tr -d ' '";
/** Firmware refuses long before anything else has run. */
const REFUSED_MS = 5 * 60_000;
/** A start that ends with a damaged slot, and the next one. */
const DAMAGED_MS = 15 * 60_000;
const RESTART_MS = 30 * 60_000;

export function bootSignerIn(keys: string): BootSigner {
  const { bootKey, bootCert } = UPDATE_KEYS;
  return { key: path.join(keys, bootKey), cert: path.join(keys, bootCert) };
}

/** Words of hearth image and hearth update-bundle. */
function signedBy({ key, cert }: BootSigner): string[] {
  return ['--secure-boot-key', key, '--secure-boot-cert', cert];
}

/** Words of hearth image, with new keys in `folder` unless they are there. */
export async function ownKeysImage(keys: string, hasKeys: boolean): Promise<string[]> {
  if (!hasKeys) await makeUpdateKeys({ folder: keys, name: 'boot test', days: 30 });
  const updates = ['--update-ca', path.join(keys, UPDATE_KEYS.caCert)];
  return [
    ...updates,
    '--release',
    '1.0',
    '--update-patience',
    '20m',
    ...signedBy(bootSignerIn(keys)),
  ];
}

export async function ownKeys(setting: OwnKeysSetting): Promise<void> {
  await changedKernel(setting);
  await changedEntry(setting);
  await otherInitramfs(setting);
  await changedBlocks(setting);
  await signedUpdate(setting);
  await refusedUpdate(setting);
}

/** A copy of the disk, changed. */
async function withCopy(
  { disk: original }: OwnKeysSetting,
  change: (disk: string) => Promise<void>,
  look: (disk: string) => Promise<void>,
): Promise<void> {
  const disk = `${original}-changed`;
  await copyFile(original, disk, constants.COPYFILE_FICLONE);
  await change(disk);
  try {
    await look(disk);
  } finally {
    await rm(disk);
  }
}

/** And a machine that starts from it, and again. */
async function withMachine(
  setting: OwnKeysSetting,
  change: (disk: string) => Promise<void>,
  look: (machine: VirtualMachine) => Promise<void>,
): Promise<void> {
  await withCopy(setting, change, async (disk) => {
    const machine = await startMachine(disk, { ...setting, restarts: true });
    try {
      await look(machine);
    } finally {
      await machine.cutPower();
    }
  });
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
    const words = /Error registering initrd|Already started|foreign/i;
    const shown = untilShown(machine, words, REFUSED_MS).then((is) =>
      is ? 'it does not start' : 'nothing runs',
    );
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

/** A whole system over HTTP, into the slot that does not run. */
async function signedUpdate(setting: OwnKeysSetting): Promise<void> {
  const { folder, check } = setting;
  const shown = path.join(folder, 'shown');
  await mkdir(shown, { recursive: true });
  const keys = path.join(folder, 'keys');
  const words = ['--system', ...signedBy(bootSignerIn(keys))];
  const bundle = await goodBundle({ folder, keys }, '1.1', words);
  await copyFile(bundle, path.join(shown, 'hearth-x64-uefi-signed.raucb'));
  const server = await serveUpdates(shown);
  try {
    await withMachine(
      setting,
      async () => {},
      async (machine) => await install(machine, setting, server.url),
    );
  } finally {
    await server.close();
  }
}

async function install(machine: VirtualMachine, setting: OwnKeysSetting, url: string) {
  const { access, check } = setting;
  await untilHealthy(machine);
  await untilSettled(machine, setting);
  const said = await onDevice(machine, access, `hearth update ${url} 2>&1 || true`);
  const isInstalled = /is installed/.test(said);
  check(isInstalled, `an update: ${said.trim().split('\n').at(-1)}`);
  if (!isInstalled) return;
  const seconds = await restart(machine, setting, RESTART_MS);
  const runs = await onDevice(machine, access, RUNS);
  check(
    runs === '1.1\nb\n1\n',
    `${runs.split('\n').join(' ')}answers ${seconds.toFixed(0)} s after the order`,
  );
  await untilSettled(machine, setting);
  const { text } = await ask(machine, access, 4);
  check(text !== '', 'it stays and answers');
}

/** A maker may sign with another key than the devices know. */
async function refusedUpdate(setting: OwnKeysSetting): Promise<void> {
  const { folder, access, check } = setting;
  const change = async (disk: string) => {
    await changeProgram(disk, 'b/hearth.efi', folder);
    const name = 'loader/entries/hearth-b+3.conf';
    await changeEfiFile({ disk, name, folder }, (text) =>
      `${text}`.replace('version 1', 'version 3'),
    );
  };
  await withCopy(setting, change, async (disk) => {
    for (let start = 1; start <= 3; start++) {
      const machine = await startMachine(disk, setting);
      const isRefused = await untilShown(machine, REFUSED, REFUSED_MS);
      check(isRefused, `start ${start} of a new system that firmware refuses`);
      await machine.cutPower();
    }
    const machine = await startMachine(disk, setting);
    await untilHealthy(machine);
    const runs = await onDevice(machine, access, RUNS);
    check(runs === '1.0\na\n1\n', `then ${runs.split('\n').join(' ')}answers`);
    await machine.cutPower();
  });
}
