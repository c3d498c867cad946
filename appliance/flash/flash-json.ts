// What `hearth flash --json` prints: the list, the plan of --dry-run and the result.
// Names as in the log and the manifests; sizes in bytes, times in milliseconds.
import { snakeCase } from '../../terminal/print.js';
import type { FlashPlan, FlashResult } from './flash.js';
import type { RemovableDevice } from './removable-devices.js';

export function listJson(devices: RemovableDevice[]): object {
  return {
    devices: devices.map(({ isReadOnly, contents, ...device }) =>
      snakeCase({ ...device, readOnly: isReadOnly, contents }),
    ),
  };
}

export function planJson({ target, image, writeBytes }: FlashPlan): object {
  return {
    image: image.path,
    image_bytes: image.sizeBytes,
    sha256: image.sha256,
    has_manifest: image.manifest !== null,
    target: image.manifest?.target ?? null,
    device: target.path,
    device_bytes: target.device.sizeBytes,
    model: target.device.model,
    serial: target.device.serial,
    unmounts: target.mounts.map(({ mountPoint }) => mountPoint),
    write_bytes: writeBytes,
  };
}

export function flashJson(result: FlashResult): object {
  const { writeMs, verifyMs, ejection } = result;
  return {
    ...planJson(result),
    write_ms: Math.round(writeMs),
    verify_ms: Math.round(verifyMs),
    ejection: ejection?.kind ?? null,
  };
}
