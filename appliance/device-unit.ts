// hearth.service on a device that is not this machine: the unit of `hearth serve --print-unit` with
// the paths that a bundle or an image gives it.
// In runtime/ because what serves knows its options; where files lie on a device, devices/ says.
import path from 'node:path';
import { duration } from '../runtime/server/duration-flag.js';
import { SHUTDOWN_MS } from '../runtime/server/limits.js';
import { systemdUnit } from '../runtime/systemd/unit.js';
import type { UnitInputs } from './image/build.js';
import { HEARTH_FOLDER, KEY_FILE } from './image/config-files.js';
import type { BundleUnitInputs } from './pack/layout.js';
import { PAYLOAD_CLI, PAYLOAD_NODE } from './payload/payload.js';

/** The rest is the system's own: nobody knows here how much memory the device has. */
const BUNDLE_MEMORY_MAX = '90%';

/** Text of the unit of a bundle, which asks its configuration for the rest. */
export function bundleUnit({ config, ...options }: BundleUnitInputs): string {
  const { modelPath, configPath, hasVulkan } = options;
  return systemdUnit({
    ...options,
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

/** Text of the unit of an image; it listens on every address of the device, IPv6 too. */
export function imageUnit({ modelPath, nCtx, memoryMaxBytes, settings }: UnitInputs): string {
  const { hostname, port, apiKeys } = settings;
  const hasKeys = apiKeys.length > 0;
  return systemdUnit({
    nodePath: path.posix.join(HEARTH_FOLDER, PAYLOAD_NODE),
    cliPath: path.posix.join(HEARTH_FOLDER, PAYLOAD_CLI),
    args: [
      modelPath,
      '--log-sync',
      ...['--host', '::', '--port', `${port}`, '--ctx', `${nCtx}`],
      ...['--allow-host', hostname, '--allow-host', `${hostname}.local`],
      ...(hasKeys ? [] : ['--no-auth']),
    ],
    environment: {},
    modelPath,
    keyFilePath: hasKeys ? KEY_FILE : null,
    writablePaths: [],
    stopMs: SHUTDOWN_MS,
    memoryMax: `${memoryMaxBytes}`,
  });
}
