// This machine, measured: what the catalogue says of a class, found out for the one at hand.
// Memory is what this process may have, which in a container is less than what the machine has.
import { measureBandwidth } from './bandwidth.js';
import { type Gpus, probeGpus } from './gpus.js';
import { describeMachine, type MachineDescription } from './machine.js';

export type MachineProbe = Pick<MachineDescription, 'cpu' | 'cpuCores' | 'os' | 'driver'> & {
  /** What this process may have. */
  memoryBytes: number;
  /** What it could get now without swapping. */
  freeMemoryBytes: number;
  /** Copying on all cores, read and written. */
  bandwidthBytesPerSecond: number;
  /** Null where llama.cpp can use none. */
  gpus: Gpus | null;
  /** What went wrong on the way, in sentences. */
  warnings: string[];
};

/** Takes about a second. Never rejects for what a driver does. */
export async function probeMachine(): Promise<MachineProbe> {
  const [machine, gpuReply] = await Promise.all([describeMachine(), probeGpus()]);
  const { gpus: _, ...described } = machine;
  return {
    ...described,
    ...(await readMemory(machine.memoryBytes)),
    // Alone, because whatever runs beside it takes its share of the memory bus.
    bandwidthBytesPerSecond: await measureBandwidth(),
    gpus: gpuReply.kind === 'gpus' ? gpuReply.gpus : null,
    warnings: gpuReply.kind === 'failed' ? [`no GPU could be asked: ${gpuReply.reason}`] : [],
  };
}

async function readMemory(machineBytes: number) {
  const { default: si } = await import('systeminformation');
  const { available } = await si.mem();
  // 0 where nothing limits this process; where no limit is set, a number beyond any memory.
  const memoryBytes = Math.min(process.constrainedMemory() || Infinity, machineBytes);
  return { memoryBytes, freeMemoryBytes: Math.min(available, memoryBytes) };
}
