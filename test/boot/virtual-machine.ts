// A machine in QEMU with UEFI, one disk and one network card, that may be cut off from power at any moment.
// Its ports 8080 and 22 are ports of this machine; what its serial port says is kept.
// Knows nothing of what it runs.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DebianTool } from '../../appliance/image/debian-tools.js';
import type { ImageTarget } from '../../appliance/manifest.js';
import { freePort } from '../../bench/development/free-port.js';

type Hardware = {
  program: string;
  /** Debian packages of the program and of its firmware. */
  packages: [program: string, firmware: string];
  machine: string;
  /** Emulated, wide vectors cost more than they save. */
  emulatedCpu: string;
  firmware: string;
  variables: string;
  /** The same with Microsoft's keys in it and Secure Boot on; `guard` keeps the system from writing to the keys. */
  secure: { machine: string; firmware: string; variables: string; guard: string[] };
  /** As Node calls what runs it without emulation. */
  arch: NodeJS.Architecture;
};

const HARDWARE: Record<ImageTarget, Hardware> = {
  'x64-uefi': {
    program: 'qemu-system-x86_64',
    packages: ['qemu-system-x86', 'ovmf'],
    machine: 'q35',
    emulatedCpu: 'Nehalem',
    firmware: '/usr/share/OVMF/OVMF_CODE_4M.fd',
    variables: '/usr/share/OVMF/OVMF_VARS_4M.fd',
    secure: {
      machine: 'q35,smm=on',
      firmware: '/usr/share/OVMF/OVMF_CODE_4M.ms.fd',
      variables: '/usr/share/OVMF/OVMF_VARS_4M.ms.fd',
      guard: ['-global', 'driver=cfi.pflash01,property=secure,value=on'],
    },
    arch: 'x64',
  },
  'arm64-uefi': {
    program: 'qemu-system-aarch64',
    packages: ['qemu-system-arm', 'qemu-efi-aarch64'],
    machine: 'virt',
    emulatedCpu: 'cortex-a72',
    firmware: '/usr/share/AAVMF/AAVMF_CODE.fd',
    variables: '/usr/share/AAVMF/AAVMF_VARS.fd',
    secure: {
      machine: 'virt',
      firmware: '/usr/share/AAVMF/AAVMF_CODE.ms.fd',
      variables: '/usr/share/AAVMF/AAVMF_VARS.ms.fd',
      // This firmware has no mode of its own in QEMU.
      guard: [],
    },
    arch: 'arm64',
  },
};
/** As much as the image was made for. */
export const MEMORY_MIB = 1024;
/** Two of them would spin for each other on one. */
const N_CPU = Math.min(2, os.availableParallelism());
/**
 * Emulated, each change of page tables throws away what QEMU knows of memory: the kernel's guards against
 * Meltdown do that twice a system call. systemd-boot adds this to its command line, or systemd's stub does.
 */
const QUICK_KERNEL = ['boot', 'stub']
  .map((who) => `value=io.systemd.${who}.kernel-cmdline-extra=mitigations=off norandmaps`)
  .join(',');
/** Firmware that KVM cannot run stops within its first instructions. */
const PROBE_MS = 5_000;

export type Accelerator = 'kvm' | 'tcg';
export type MachineOptions = {
  /** Only what Microsoft's and Debian's keys have signed starts, or those that {@link variables} has. */
  secureBoot?: boolean;
  /** Firmware's, where they are others than Debian's. */
  variables?: string | undefined;
  target: ImageTarget;
  accelerator: Accelerator;
  /** Where files of its own go. */
  folder: string;
  /** Whether a restart is one; else it ends. */
  restarts?: boolean;
  /** What {@link VirtualMachine.suspend} wrote of a machine with the same disk: it goes on there. */
  state?: string | undefined;
  /** File for all that it tells its disk to write: recorded-writes.ts reads it. */
  writes?: string | undefined;
};

export type VirtualMachine = {
  url: string;
  sshPort: number;
  /** everything its serial port has said */
  console(): Promise<string>;
  readonly isRunning: boolean;
  /** As if the plug were pulled: what the guest has not flushed is gone. */
  cutPower(): Promise<void>;
  /** Writes its memory into a file, and ends it. */
  suspend(file: string): Promise<void>;
};

/** Where firmware keeps what it is told, as a machine has it that was told nothing: no keys, for one. */
export function emptyVariables(target: ImageTarget): string {
  return HARDWARE[target].variables;
}

/** Where a machine of `folder` keeps them, once it has run. */
export function variablesIn(folder: string): string {
  return path.join(folder, 'uefi-variables.fd');
}

/** What a machine of `target` is run with. */
export function machineTools(target: ImageTarget): DebianTool[] {
  const { program, firmware, variables, packages } = HARDWARE[target];
  return [
    [program, packages[0]],
    [firmware, packages[1]],
    [variables, packages[1]],
  ];
}

/** Starts one from `disk`. */
export async function startMachine(
  disk: string,
  {
    target,
    accelerator,
    folder,
    restarts = false,
    secureBoot = false,
    variables: first,
    state,
    writes,
  }: MachineOptions,
): Promise<VirtualMachine> {
  const [httpPort, sshPort] = [await freePort(), await freePort()];
  const variables = variablesIn(folder);
  const serial = path.join(folder, 'serial.log');
  const monitor = path.join(folder, 'monitor');
  const { secure, ...open } = HARDWARE[target];
  const hardware = secureBoot ? { ...open, ...secure } : { ...open, guard: [] };
  await copyFile(first ?? hardware.variables, variables);
  // What the machine before said is not this one's, which QEMU would only say once it runs.
  await rm(serial, { force: true });
  const forward = `hostfwd=tcp:127.0.0.1:${httpPort}-:8080,hostfwd=tcp:127.0.0.1:${sshPort}-:22`;
  const child = qemu(hardware, accelerator, [
    ...hardware.guard,
    ...['-drive', `if=pflash,format=raw,file=${variables}`],
    ...['-blockdev', JSON.stringify(await diskOf(disk, writes)), '-smp', `${N_CPU}`],
    // Only what is written is recorded.
    ...['-device', 'virtio-blk-pci,drive=disk,discard=off,write-zeroes=off'],
    ...['-m', `${MEMORY_MIB}`],
    ...['-netdev', `user,id=net,${forward}`, '-device', 'virtio-net-pci,netdev=net'],
    ...['-serial', `file:${serial}`],
    ...['-monitor', `unix:${monitor},server=on,wait=off`],
    ...(restarts ? [] : ['-no-reboot']),
    ...(state === undefined ? [] : ['-incoming', `exec:cat '${state}'`]),
  ]);
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  return {
    ...{ url: `http://127.0.0.1:${httpPort}`, sshPort },
    console: async () => await readFile(serial, 'utf8').catch(() => ''),
    get isRunning() {
      return isRunning();
    },
    async cutPower() {
      if (!isRunning()) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    async suspend(file) {
      // The monitor takes the next command when the one before has ended.
      connect(monitor).end(`migrate "exec:cat > '${file}'"\nquit\n`);
      await once(child, 'exit');
    },
  };
}

/** The host's cache may hold what the guest flushed: it stays on, as the disk of a PC would. */
async function diskOf(disk: string, writes: string | undefined): Promise<object> {
  const file = (filename: string) => ({ driver: 'file', filename });
  if (writes === undefined) return { ...file(disk), 'node-name': 'disk' };
  await writeFile(writes, '');
  return { driver: 'blklogwrites', 'node-name': 'disk', file: file(disk), log: file(writes) };
}

function qemu(
  hardware: Omit<Hardware, 'secure'>,
  accelerator: Accelerator,
  args: string[],
): ChildProcess {
  const accelerated = accelerator === 'kvm' ? 'kvm' : 'tcg,thread=multi';
  const machine = ['-machine', hardware.machine, '-accel', accelerated, '-nodefaults'];
  const cpu = ['-cpu', accelerator === 'kvm' ? 'host' : hardware.emulatedCpu];
  const quick = accelerator === 'kvm' ? [] : ['-smbios', `type=11,${QUICK_KERNEL}`];
  const firmware = ['-drive', `if=pflash,format=raw,readonly=on,file=${hardware.firmware}`];
  const rest = ['-display', 'none', ...firmware, ...args];
  const child = spawn(hardware.program, [...machine, ...cpu, ...quick, ...rest], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.setEncoding('utf8').on('data', (words: string) => {
    child.emit('complaint', words);
  });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return child;
}

/** KVM where it runs the firmware: some nested ones open and then cannot. */
export async function chooseAccelerator(target: ImageTarget): Promise<Accelerator> {
  if (process.arch !== HARDWARE[target].arch) return 'tcg';
  const child = qemu(HARDWARE[target], 'kvm', ['-m', '256']);
  const failed = Promise.race([once(child, 'exit'), once(child, 'complaint')]).then(() => true);
  const isBroken = await Promise.race([failed, sleep(PROBE_MS, false)]);
  if (child.exitCode === null) child.kill('SIGKILL');
  return isBroken ? 'tcg' : 'kvm';
}
