// hearth.service of an image: the unit of `hearth serve --print-unit` with the paths and the limits that
// the device has.
import path from 'node:path';
import { SHUTDOWN_MS } from '../../runtime/server/limits.js';
import { systemdUnit } from '../../runtime/systemd/unit.js';
import { PAYLOAD_CLI, PAYLOAD_NODE } from '../payload/payload.js';
import { HEARTH_FOLDER, KEY_FILE } from './config-files.js';
import type { DeviceSettings } from './device-settings.js';
import type { FittedModel } from './fit-check.js';

/** `modelPath` as it is on the device. */
export type ImageUnitInputs = FittedModel & { settings: DeviceSettings; modelPath: string };

/** Text of the unit of an image; it listens on every address of the device, IPv6 too. */
export function imageUnit({ modelPath, nCtx, memoryMaxBytes, settings }: ImageUnitInputs): string {
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
    modelPaths: [modelPath],
    keyFilePath: hasKeys ? KEY_FILE : null,
    writablePaths: [],
    stopMs: SHUTDOWN_MS,
    memoryMax: `${memoryMaxBytes}`,
  });
}
