// What every part of the update test has, and what it asks a device: which release runs from which slot,
// what became of the last update, whether it is settled. A device that is restarted or cut off is the
// same disk again.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Access, onDevice, untilHealthy } from '../device.js';
import { type MachineOptions, startMachine, type VirtualMachine } from '../virtual-machine.js';
import { type BundleMaker, compatibleWith } from './bundles.js';
import type { UpdateServer } from './server.js';

const run = promisify(execFile);

export type Setting = MachineOptions & {
  disk: string;
  access: Access;
  server: UpdateServer;
  maker: BundleMaker;
  /** folder that the server shows */
  shown: string;
  /** Prints a line, and remembers what was not right. */
  check: (isRight: boolean, what: string) => void;
};

/** Under the name that the device looks for. */
export async function show({ shown, target }: Setting, bundle: string): Promise<void> {
  await cp(bundle, path.join(shown, `${compatibleWith(target)}.raucb`));
}

/**
 * A machine as it was flashed, that has answered and whose system may stay. Once one is there, its disk and
 * memory are kept, as a start takes long without KVM.
 */
export async function startSettled(setting: Setting): Promise<VirtualMachine> {
  const { disk, folder, check } = setting;
  const state = settledState(folder);
  if (!existsSync(state)) {
    const machine = await startMachine(disk, { ...setting, writes: undefined });
    const seconds = await untilHealthy(machine);
    check(true, `power-on to /health: ${seconds.toFixed(0)} s in QEMU (${setting.accelerator})`);
    await untilSettled(machine, setting);
    await machine.suspend(`${state}.new`);
    await copyDisk(disk, settledDisk(disk));
    await writeFile(path.join(folder, SECONDS), `${seconds}`);
    await rename(`${state}.new`, state);
  }
  await copyDisk(settledDisk(disk), disk);
  const machine = await startMachine(disk, { ...setting, state });
  await untilHealthy(machine);
  // It was suspended with its clock, by which certificates are not valid yet.
  await onDevice(machine, setting.access, `date -s @${Math.floor(Date.now() / 1000)}`);
  return machine;
}

const SECONDS = 'settled-seconds';

/** That it took from power-on until it answered. */
export async function settledSeconds(folder: string): Promise<number> {
  return Number(await readFile(path.join(folder, SECONDS), 'utf8'));
}

export function settledState(folder: string): string {
  return path.join(folder, 'settled-state');
}

export function settledDisk(disk: string): string {
  return `${disk}-settled`;
}

/** A machine that starts from `disk` as it is, once it answers. */
export async function startCold(setting: Setting): Promise<VirtualMachine> {
  const machine = await startMachine(setting.disk, setting);
  await untilHealthy(machine);
  return machine;
}

export async function copyDisk(from: string, to: string): Promise<void> {
  await run('cp', ['--sparse=always', from, to]);
}

/** Newest release that runs, and from which slot, as `1.0 a`. */
export async function releaseOf(machine: VirtualMachine, { access }: Setting): Promise<string> {
  const command =
    'sort -V /usr/lib/hearth/release /model/release | tail -n 1; cat /run/hearth-disk/slot';
  return (await onDevice(machine, access, command)).trim().replace('\n', ' ');
}

/** The system was tried and stays, what became of an update is recorded, and the screen shows it. */
export async function untilSettled(
  machine: VirtualMachine,
  { access }: Pick<Setting, 'access'>,
): Promise<void> {
  const command = [
    'while systemctl is-active -q hearth-healthy; do sleep 1; done',
    'until [ -e /run/hearth/ready ]; do sleep 1; done; sleep 6',
    '! /usr/lib/hearth/boot is-untried $(cat /run/hearth-disk/slot)',
  ];
  await onDevice(machine, access, command.join('; '));
}

/** What `hearth update` says, and the words of its failure where it fails. */
export async function update(
  machine: VirtualMachine,
  setting: Setting,
  more = '',
): Promise<string> {
  const command = `hearth update ${setting.server.url} ${more} 2>&1 || true`;
  return (await onDevice(machine, setting.access, command)).trim();
}

/** Seconds until it answers again, from the order on. */
export async function restart(
  machine: VirtualMachine,
  setting: Pick<Setting, 'access'>,
  limitMs: number,
): Promise<number> {
  const before = await bootOf(machine, setting);
  await onDevice(machine, setting.access, 'systemctl reboot').catch(() => {});
  return await untilRestarted(machine, setting, before, limitMs);
}

/** Seconds until it answers again, and not as the start that {@link bootOf} named `before`. */
export async function untilRestarted(
  machine: VirtualMachine,
  setting: Pick<Setting, 'access'>,
  before: string,
  limitMs: number,
): Promise<number> {
  const startedAt = performance.now();
  await untilGone(machine, limitMs);
  await untilHealthy(machine, limitMs);
  const seconds = (performance.now() - startedAt) / 1000;
  if ((await bootOf(machine, setting)) === before)
    throw new Error('it answered, and had not started again');
  return seconds;
}

/** The kernel's name of this start. */
export async function bootOf(
  machine: VirtualMachine,
  { access }: Pick<Setting, 'access'>,
): Promise<string> {
  return await onDevice(machine, access, 'cat /proc/sys/kernel/random/boot_id');
}

/** Settings that an image may be made with, by their files, until the next start. */
export async function setOnDevice(
  machine: VirtualMachine,
  { access }: Pick<Setting, 'access'>,
  files: Record<string, string>,
): Promise<void> {
  const writes = Object.entries(files).map(([name, text]) => `echo ${text} >$settings/${name}`);
  const command = `
settings=/run/test-settings
[ -d $settings ] || { cp -a /run/hearth-settings $settings; mount --bind $settings /run/hearth-settings; }
${writes.join('\n')}
`;
  await onDevice(machine, access, command);
}

async function untilGone(machine: VirtualMachine, limitMs: number): Promise<void> {
  const until = performance.now() + limitMs;
  while (performance.now() < until) {
    const signal = AbortSignal.timeout(10_000);
    const response = await fetch(`${machine.url}/health/live`, { signal }).catch(() => null);
    if (!response) return;
    await sleep(250);
  }
  throw new Error('the machine did not start again');
}

/** As /props tells it on. */
export type Outcome = { outcome: string; release: string };

export async function outcomeOf(
  machine: VirtualMachine,
  { access }: Setting,
): Promise<Outcome | undefined> {
  const headers = { authorization: `Bearer ${access.apiKey}` };
  const props = await (await fetch(`${machine.url}/props`, { headers })).json();
  return (props as { update?: Outcome }).update;
}
