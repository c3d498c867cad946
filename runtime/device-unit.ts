// The unit of `hearth serve --print-unit` for a device that is not this machine: of a bundle or an image.
// Memory is a share of what the device has, as nobody knows it here.
// Installs nothing; what a unit looks like is systemd/unit.ts.
import { SHUTDOWN_MS } from './server/limits.js';
import { systemdUnit } from './systemd/index.js';

export type DeviceUnitOptions = {
  /** Paths on the device. */
  nodePath: string;
  cliPath: string;
  modelPath: string;
  configPath: string;
};

/** The rest is the system's own. */
const MEMORY_MAX = '90%';

/** Text for /etc/systemd/system/hearth.service of the device. */
export function deviceUnit(options: DeviceUnitOptions): string {
  const { modelPath, configPath } = options;
  return systemdUnit({
    ...options,
    args: [modelPath, '--config', configPath],
    environment: {},
    keyFilePath: null,
    writablePaths: [],
    stopMs: SHUTDOWN_MS,
    memoryMax: MEMORY_MAX,
  });
}
