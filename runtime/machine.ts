// The machine as the log records it, and its sensors.
// systeminformation asks the system's own tools, which takes up to a second: ask once, off the path
// of answers. It measures no process.
import os from 'node:os';
import si from 'systeminformation';
import type { MachineRow } from './log/index.js';

/** What is unknown is null; never throws. */
export async function describeMachine(): Promise<MachineRow> {
  const [cpu, graphics] = await Promise.all([
    si.cpu().catch(() => null),
    si.graphics().catch(() => null),
  ]);
  const gpus = (graphics?.controllers ?? []).filter(({ model }) => model !== '');
  const driver = gpus.find(({ driverVersion }) => driverVersion)?.driverVersion;
  return {
    cpu:
      [cpu?.manufacturer, cpu?.brand].filter(Boolean).join(' ') || os.cpus()[0]?.model || 'unknown',
    cpuCores: cpu?.physicalCores || os.availableParallelism(),
    memoryBytes: os.totalmem(),
    gpus: gpus.map(({ model, vram }) => ({
      name: model,
      memoryBytes: vram ? vram * 2 ** 20 : null,
    })),
    driver: driver ?? null,
    os: `${os.type()} ${os.release()} ${os.arch()}`,
  };
}

/** Degrees Celsius; null where the system shows none. Never throws. */
export async function readTemperatures({ hasGpu }: { hasGpu: boolean }): Promise<{
  cpuTemperatureC: number | null;
  deviceTemperatureC: number | null;
}> {
  const [cpu, graphics] = await Promise.all([
    si.cpuTemperature().catch(() => null),
    hasGpu ? si.graphics().catch(() => null) : null,
  ]);
  const gpu = graphics?.controllers.find(({ temperatureGpu }) => temperatureGpu);
  return { cpuTemperatureC: cpu?.main ?? null, deviceTemperatureC: gpu?.temperatureGpu ?? null };
}
