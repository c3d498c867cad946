// hearth.service of a bundle: the unit of `hearth serve --print-unit` with the paths that the bundle has
// on the device it is for.
import path from 'node:path';
import { SHUTDOWN_MS } from '../../runtime/server/limits.js';
import { systemdUnit, type UnitOptions } from '../../runtime/systemd/unit.js';
import { duration } from '../../terminal/flags.js';

/** What its unit follows from; paths are those on the device. */
export type BundleUnitInputs = Pick<UnitOptions, 'nodePath' | 'cliPath'> & {
  modelPath: string;
  configPath: string;
  /** The options of `hearth serve` that are packed. */
  config: Record<string, unknown>;
  hasVulkan: boolean;
};

/** The rest is the system's own: nobody knows here how much memory the device has. */
const BUNDLE_MEMORY_MAX = '90%';

/** Text of the unit of a bundle, which asks its configuration for the rest. */
export function bundleUnit({ config, ...options }: BundleUnitInputs): string {
  const { modelPath, configPath, hasVulkan } = options;
  return systemdUnit({
    ...options,
    modelPaths: [modelPath],
    args: [modelPath, '--log-sync', '--config', configPath],
    environment: {},
    keyFilePath: null,
    writablePaths: writablePathsOf(config),
    stopMs: config['deadline'] === undefined ? SHUTDOWN_MS : deadlineMs(String(config['deadline'])),
    memoryMax: BUNDLE_MEMORY_MAX,
    hasGpu: hasVulkan,
  });
}

const deadlineMs = duration('deadline');

/** Absolute, as the service's own folder is another one on every device. */
function writablePathsOf({ log, socket }: Record<string, unknown>): string[] {
  return [log, socket].flatMap((file) =>
    typeof file === 'string' ? [path.posix.dirname(path.posix.resolve('/', file))] : [],
  );
}
