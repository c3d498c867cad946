// hearth devices: this machine, measured, and the catalogue.
// The table shows what decides: the memory that is left for a model and how fast it is read.
// Where each figure is from is in --json.
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { noteAs, print, snakeCase } from '../terminal/print.js';
import { drawGrid, type TableColumn } from '../terminal/table.js';
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
  if (json) print({ machine: machineJson(machine), devices: entries.map(deviceJson) });
  else print(`${machineText(machine)}\n\n${drawGrid(COLUMNS, entries.map(toDevice))}`);
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

const COLUMNS: TableColumn<Device>[] = [
  { head: 'Device', cell: ({ id }) => id },
  { head: 'Memory', align: 'right', cell: ({ memoryBytes }) => formatMemory(memoryBytes) },
  {
    head: 'For a model',
    align: 'right',
    cell: ({ memoryBytes, reservedBytes }) => formatMemory(memoryBytes - reservedBytes),
  },
  {
    head: 'Bandwidth',
    align: 'right',
    cell: ({ bandwidthBytesPerSecond }) => formatRate(bandwidthBytesPerSecond),
  },
  { head: 'Backend', cell: ({ backend }) => backend },
];

function formatRate(bytesPerSecond: number): string {
  return `${(bytesPerSecond / 1e9).toFixed(1)} GB/s`;
}

function machineJson({ bandwidthBytesPerSecond, gpus, ...machine }: MachineProbe) {
  return snakeCase({
    ...machine,
    bandwidthBytesPerSecond: Math.round(bandwidthBytesPerSecond),
    gpus: gpus && {
      backend: gpus.backend,
      names: gpus.names,
      memoryBytes: gpus.totalBytes,
      freeMemoryBytes: gpus.freeBytes,
      shared: gpus.isShared,
    },
  });
}

function deviceJson(entry: CatalogueEntry) {
  const sources = {
    memory: sourceOf(entry.memory),
    reserved: sourceOf(entry.reserved),
    bandwidth: sourceOf(entry.bandwidth),
    compute: sourceOf(entry.compute),
  };
  return snakeCase({ ...toDevice(entry), sources });
}

function sourceOf({ source, note }: CatalogueEntry['memory']) {
  return { source, note };
}
