// Brings a device to what a bundle holds: looks at it, compares versions, has RAUC install it beside what
// runs. What runs goes on answering; the next start takes the new one, and falls back by itself.
import { stat } from 'node:fs/promises';
import { otherSlot } from '../image/loader-entry.js';
import {
  installedRelease,
  recordFailure,
  recordInstalled,
  recordInstalling,
  type UpdatableDevice,
} from './device.js';
import { inspectBundle, installBundle } from './rauc.js';
import { compareReleases } from './release.js';
import { UpdateError } from './update-error.js';

export type UpdateOptions = {
  device: UpdatableDevice;
  /** a bundle's file or URL */
  source: string;
  allowsOlder: boolean;
  /** of requests to an URL */
  headers?: Record<string, string>;
  signal?: AbortSignal;
  onProgress?: (percent: number, step: string) => void;
  /** where the device's files are, for tests */
  root?: string;
};

/** `current`: it runs already. `waiting`: it is installed, and starts with the next start. */
export type UpdateResult = { kind: 'current' | 'waiting' | 'installed'; release: string };

/** Rejects with {@link UpdateError} where the bundle is refused; the running slots stay as they are. */
export async function updateDevice(options: UpdateOptions): Promise<UpdateResult> {
  const { device, source, allowsOlder, headers = {}, signal, onProgress, root } = options;
  const { compatible, release } = await inspectBundle(source, {
    ...{ configFile: device.configFile, headers, signal },
  });
  if (compatible !== device.compatible)
    throw new UpdateError(`${source} is for ${compatible}, and this is ${device.compatible}`);
  const difference = compareReleases(release, device.release);
  if (difference === 0) return { kind: 'current', release };
  if (difference < 0 && !allowsOlder)
    throw new UpdateError(
      `${source} has version ${release}, older than ${device.release}, which runs; pass --allow-downgrade to go back`,
    );
  if ((await installedRelease(root)) === release) return { kind: 'waiting', release };
  const from = device.release;
  try {
    await recordInstalling({ slot: otherSlot(device.slot), release, from }, root);
    const watched = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
    await installBundle(source, { headers, ...watched });
    await recordInstalled(root);
  } catch (error) {
    await recordFailure({ release, from, reason: (error as Error).message }, root);
    throw error;
  }
  return { kind: 'installed', release };
}

/** Of a file or URL, or of a folder of either, where the bundle has the name of the kind of device. */
export async function bundleAt(source: string, compatible: string): Promise<string> {
  const isUrl = /^https?:\/\//.test(source);
  const isFolder = isUrl
    ? !/\.raucb(\?|$)/.test(source)
    : ((await stat(source).catch(() => null))?.isDirectory() ?? false);
  return isFolder ? `${source.replace(/\/$/, '')}/${compatible}.raucb` : source;
}
