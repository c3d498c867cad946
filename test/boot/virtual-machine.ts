// A PC in QEMU with UEFI, one disk and one network card, that may be cut off from power at any moment.
// Its ports 8080 and 22 are ports of this machine; what its serial port says is kept.
// Knows nothing of what it runs.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';

const FIRMWARE = '/usr/share/OVMF/OVMF_CODE_4M.fd';
const VARIABLES = '/usr/share/OVMF/OVMF_VARS_4M.fd';
/** As much as the image was made for. */
export const MEMORY_MIB = 1024;
/** Firmware that KVM cannot run stops within its first instructions. */
const PROBE_MS = 5_000;

export type Accelerator = 'kvm' | 'tcg';

export type VirtualMachine = {
  url: string;
  sshPort: number;
  /** everything its serial port has said */
  console(): Promise<string>;
  readonly isRunning: boolean;
  /** As if the plug were pulled: what the guest has not flushed is gone. */
  cutPower(): Promise<void>;
};

/** Starts one from `disk`; files of its own go into `folder`. */
export async function startMachine(
  disk: string,
  { folder, accelerator }: { folder: string; accelerator: Accelerator },
): Promise<VirtualMachine> {
  const [httpPort, sshPort] = [await freePort(), await freePort()];
  const variables = path.join(folder, 'uefi-variables.fd');
  const serial = path.join(folder, 'serial.log');
  await copyFile(VARIABLES, variables);
  const forward = `hostfwd=tcp:127.0.0.1:${httpPort}-:8080,hostfwd=tcp:127.0.0.1:${sshPort}-:22`;
  const child = qemu(accelerator, [
    ...['-drive', `if=pflash,format=raw,file=${variables}`],
    // The host's cache may hold what the guest flushed: it stays on, as the disk of a PC would.
    ...['-drive', `file=${disk},format=raw,if=none,id=disk,cache=writeback`],
    ...['-device', 'virtio-blk-pci,drive=disk', '-smp', '2', '-m', `${MEMORY_MIB}`],
    ...['-netdev', `user,id=net,${forward}`, '-device', 'virtio-net-pci,netdev=net'],
    ...['-serial', `file:${serial}`],
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
  };
}

function qemu(accelerator: Accelerator, args: string[]): ChildProcess {
  const accelerated = accelerator === 'kvm' ? 'kvm' : 'tcg,thread=multi';
  const machine = ['-machine', 'q35', '-accel', accelerated, '-nodefaults', '-display', 'none'];
  // Emulated, wide vectors cost more than they save.
  const cpu = ['-cpu', accelerator === 'kvm' ? 'host' : 'Nehalem', '-no-reboot'];
  const firmware = ['-drive', `if=pflash,format=raw,readonly=on,file=${FIRMWARE}`];
  const child = spawn('qemu-system-x86_64', [...machine, ...cpu, ...firmware, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.setEncoding('utf8').on('data', (words: string) => {
    child.emit('complaint', words);
  });
  process.once('exit', () => child.kill('SIGKILL'));
  return child;
}

/** KVM where it runs the firmware: some nested ones open and then cannot. */
export async function chooseAccelerator(): Promise<Accelerator> {
  const child = qemu('kvm', ['-m', '256']);
  const failed = Promise.race([once(child, 'exit'), once(child, 'complaint')]).then(() => true);
  const isBroken = await Promise.race([failed, sleep(PROBE_MS, false)]);
  if (child.exitCode === null) child.kill('SIGKILL');
  return isBroken ? 'tcg' : 'kvm';
}
