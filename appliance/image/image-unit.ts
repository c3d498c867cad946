// hearth.service of an image: the unit of `hearth serve --print-unit` with the paths that the device has.
// The settings come from a file of their own, and the model with its context from beside the model, as
// neither is the system's.
import path from 'node:path';
import { SHUTDOWN_MS } from '../../runtime/server/limits.js';
import { systemdUnit } from '../../runtime/systemd/unit.js';
import { PAYLOAD_CLI, PAYLOAD_NODE } from '../payload/payload.js';
import { HEARTH_FOLDER, MODEL_FOLDER } from './config-files.js';
import { SETTINGS_FOLDER } from './initramfs.js';

/** As usr/lib/hearth/outcome and hearth update write it. */
const UPDATE_OUTCOME = '/data/update/outcome';

/** Text of the unit of an image. */
export function imageUnit(): string {
  return systemdUnit({
    nodePath: path.posix.join(HEARTH_FOLDER, PAYLOAD_NODE),
    cliPath: path.posix.join(HEARTH_FOLDER, PAYLOAD_CLI),
    args: [
      ...['--log-sync', '--config', path.posix.join(SETTINGS_FOLDER, 'serve.json')],
      ...['--update-outcome', UPDATE_OUTCOME],
    ],
    environment: {},
    modelPaths: [path.posix.join(MODEL_FOLDER, 'its model')],
    keyFilePath: null,
    writablePaths: [],
    stopMs: SHUTDOWN_MS,
    // Of no device; the settings say what this one may take.
    memoryMax: '90%',
  });
}
