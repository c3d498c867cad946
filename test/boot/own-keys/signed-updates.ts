// An update of a system that its maker signed: over HTTP into the other slot, started, kept; and one that
// firmware refuses, after which the old system is back.
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { changeEfiFile, changeProgram } from '../data-on-disk.js';
import { ask, onDevice, untilHealthy, untilShown } from '../device.js';
import { goodBundle } from '../update/bundles.js';
import { serveUpdates } from '../update/server.js';
import { restart, untilSettled } from '../update/setting.js';
import { startMachine, type VirtualMachine } from '../virtual-machine.js';
import {
  bootSignerIn,
  type OwnKeysSetting,
  REFUSED,
  REFUSED_MS,
  signedBy,
  withCopy,
  withMachine,
} from './setting.js';

/** Shell: release, slot, and the last byte of firmware's variable. */
const RUNS =
  "cat /usr/lib/hearth/release /run/hearth-disk/slot; od -An -tu1 -j4 -N1 /sys/firmware/efi/efivars/SecureBoot-* | tr -d ' '";
const RESTART_MS = 30 * 60_000;

export async function signedUpdates(setting: OwnKeysSetting): Promise<void> {
  await signedUpdate(setting);
  await refusedUpdate(setting);
}

/** A whole system over HTTP, into the slot that does not run. */
async function signedUpdate(setting: OwnKeysSetting): Promise<void> {
  const { folder, target } = setting;
  const shown = path.join(folder, 'shown');
  await mkdir(shown, { recursive: true });
  const keys = path.join(folder, 'keys');
  const words = ['--system', ...signedBy(bootSignerIn(keys))];
  const bundle = await goodBundle({ folder, keys, target }, '1.1', words);
  await copyFile(bundle, path.join(shown, `hearth-${target}-signed.raucb`));
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
