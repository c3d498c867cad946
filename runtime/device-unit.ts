// hearth.service as an image has it: the unit of `hearth serve --print-unit` for a device's paths.
// In runtime/ because what serves knows its options; where files lie on a device, devices/ says.
import path from 'node:path';
import { HEARTH_FOLDER, KEY_FILE, type UnitInputs } from '../devices/flash/image/index.js';
import { PAYLOAD_CLI, PAYLOAD_NODE } from '../devices/flash/payload/index.js';
import { SHUTDOWN_MS } from './server/limits.js';
import { systemdUnit } from './systemd/index.js';

/** Text of the unit; it listens on every address of the device, IPv6 too. */
export function deviceUnit({ modelPath, nCtx, memoryMaxBytes, settings }: UnitInputs): string {
  const { hostname, port, apiKeys } = settings;
  const hasKeys = apiKeys.length > 0;
  return systemdUnit({
    nodePath: path.posix.join(HEARTH_FOLDER, PAYLOAD_NODE),
    cliPath: path.posix.join(HEARTH_FOLDER, PAYLOAD_CLI),
    args: [
      modelPath,
      ...['--host', '::', '--port', `${port}`, '--ctx', `${nCtx}`],
      ...['--allow-host', hostname, '--allow-host', `${hostname}.local`],
      ...(hasKeys ? [] : ['--no-auth']),
    ],
    environment: {},
    modelPath,
    keyFilePath: hasKeys ? KEY_FILE : null,
    writablePaths: [],
    stopMs: SHUTDOWN_MS,
    memoryMaxBytes,
  });
}
