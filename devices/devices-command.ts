// hearth devices: this machine, measured, and the catalogue.
// The table shows what decides: the memory that is left for a model and how fast it is read.
// Where each figure is from is in --json. What fits is for hearth fit.
import Table from 'cli-table3';
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { noteAs, print } from '../terminal/print.js';
import { formatMemory } from '../terminal/units.js';
import { catalogueEntries } from './catalogue/catalogue.js';
import { type CatalogueEntry, toDevice } from './catalogue/catalogue-file.js';
import type { Device } from './catalogue/device.js';
import { devicesFlag } from './devices-flag.js';
import { type MachineProbe, probeMachine } from './probe/probe.js';

const devicesOptions = {
  devices: devicesFlag,
  json: { describe: 'Print JSON, with the source of each figure', type: 'boolean' },
} as const;

type DevicesArguments = InferredOptionTypes<typeof devicesOptions>;

export const devicesCommand: CommandModule<object, DevicesArguments> = {
  command: 'devices',
  describe: 'Measure this machine, and list the GPUs and boards that hearth knows',
  builder: (yargs: Argv) =>
    yargs
      .options(devicesOptions)
      .example('$0 devices', 'About a second, for the memory test')
      .example('$0 devices --devices my-cards.json', 'With devices of your own'),
  handler: run,
};

async function run({ devices: files, json }: DevicesArguments): Promise<void> {
  const entries = await catalogueEntries({ files });
  const machine = await probeMachine();
  for (const warning of machine.warnings) noteAs('devices')(`warning: ${warning}`);
  const text = json
    ? JSON.stringify({ machine: machineJson(machine), devices: entries.map(deviceJson) }, null, 2)
    : `${machineText(machine)}\n\n${catalogueText(entries.map(toDevice))}`;
  print(text);
}

function machineText(machine: MachineProbe): string {
  const { cpu, cpuCores, memoryBytes, freeMemoryBytes, bandwidthBytesPerSecond } = machine;
  return [
    'This machine',
    `  CPU        ${cpu}, ${cpuCores === 1 ? '1 core' : `${cpuCores} cores`}`,
    `  memory     ${formatMemory(memoryBytes)}, ${formatMemory(freeMemoryBytes)} free`,
    `  bandwidth  ${formatRate(bandwidthBytesPerSecond)}, copying on all cores`,
    `  GPU        ${gpuText(machine)}`,
    `  system     ${machine.os}`,
  ].join('\n');
}

function gpuText({ gpus, driver }: MachineProbe): string {
  if (!gpus) return 'none that llama.cpp can use';
  const { backend, names, totalBytes, freeBytes, isShared } = gpus;
  const memory = `${formatMemory(totalBytes)}${isShared ? ' shared with the system' : ''}, ${formatMemory(freeBytes)} free`;
  return `${names.join(' + ')} (${backend}${driver ? `, driver ${driver}` : ''}): ${memory}`;
}

function catalogueText(devices: Device[]): string {
  const table = new Table({
    head: ['Device', 'Memory', 'For a model', 'Bandwidth', 'Backend'],
    colAligns: ['left', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { id, memoryBytes, reservedBytes, bandwidthBytesPerSecond, backend } of devices)
    table.push([
      id,
      formatMemory(memoryBytes),
      formatMemory(memoryBytes - reservedBytes),
      formatRate(bandwidthBytesPerSecond),
      backend,
    ]);
  return table.toString();
}

function formatRate(bytesPerSecond: number): string {
  return `${(bytesPerSecond / 1e9).toFixed(1)} GB/s`;
}

function machineJson(machine: MachineProbe) {
  const { gpus } = machine;
  return {
    cpu: machine.cpu,
    cpu_cores: machine.cpuCores,
    memory_bytes: machine.memoryBytes,
    free_memory_bytes: machine.freeMemoryBytes,
    bandwidth_bytes_per_second: Math.round(machine.bandwidthBytesPerSecond),
    gpus: gpus && {
      backend: gpus.backend,
      names: gpus.names,
      memory_bytes: gpus.totalBytes,
      free_memory_bytes: gpus.freeBytes,
      shared: gpus.isShared,
    },
    driver: machine.driver,
    os: machine.os,
    warnings: machine.warnings,
  };
}

function deviceJson(entry: CatalogueEntry) {
  const device = toDevice(entry);
  return {
    id: device.id,
    name: device.name,
    kind: device.kind,
    backend: device.backend,
    memory_bytes: device.memoryBytes,
    reserved_bytes: device.reservedBytes,
    bandwidth_bytes_per_second: device.bandwidthBytesPerSecond,
    compute_flops: device.computeFlops,
    sources: {
      memory: sourceOf(entry.memory),
      reserved: sourceOf(entry.reserved),
      bandwidth: sourceOf(entry.bandwidth),
      compute: sourceOf(entry.compute),
    },
  };
}

function sourceOf({ source, note }: CatalogueEntry['memory']) {
  return note === undefined ? { source } : { source, note };
}
