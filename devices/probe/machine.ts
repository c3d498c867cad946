// The machine as the system's own tools describe it, and its sensors.
// systeminformation asks them, which takes up to a second: ask once, off the path of answers. It is
// loaded when asked, because most commands never are. Measures no process and opens no GPU.
import os from 'node:os';

export type MachineDescription = {
  cpu: string;
  cpuCores: number;
  memoryBytes: number;
  gpus: { name: string; memoryBytes: number | null }[];
  /** Version of the GPU's driver. */
  driver: string | null;
  /** Name, release and architecture. */
  os: string;
};

/** What is unknown is null; never throws. */
export async function describeMachine(): Promise<MachineDescription> {
  const { default: si } = await import('systeminformation');
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
  const { default: si } = await import('systeminformation');
  const [cpu, graphics] = await Promise.all([
    si.cpuTemperature().catch(() => null),
    hasGpu ? si.graphics().catch(() => null) : null,
  ]);
  const gpu = graphics?.controllers.find(({ temperatureGpu }) => temperatureGpu);
  return { cpuTemperatureC: cpu?.main ?? null, deviceTemperatureC: gpu?.temperatureGpu ?? null };
}
