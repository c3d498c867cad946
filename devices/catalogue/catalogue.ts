// The devices that hearth knows: its own, those of the user's file, those of the files given.
// A later file may correct an earlier one under the same id, so that a card that drives no screen
// need not wait for a release.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { nearestNames } from '../../terminal/nearest-names.js';
import { type CatalogueEntry, readCatalogueFile, toDevice } from './catalogue-file.js';
import type { Device } from './device.js';
import builtIn from './devices.json' with { type: 'json' };

export type CatalogueOptions = {
  /** Files of more devices; the last word on an id counts. */
  files?: readonly string[] | undefined;
  env?: NodeJS.ProcessEnv | undefined;
};

/** Thrown for a name that no device has; the message offers the nearest ones. */
export class UnknownDeviceError extends Error {
  readonly code = 'UNKNOWN_DEVICE';
  readonly nearest: readonly string[];

  constructor(name: string, nearest: readonly string[]) {
    super(
      `no device is called "${name}"; nearest: ${nearest.join(', ')}. hearth devices lists all, and --devices FILE adds your own`,
    );
    this.nearest = nearest;
  }
}

/** Every device, in the order of the files. Rejects with `CatalogueError`. */
export async function deviceCatalogue(options: CatalogueOptions = {}): Promise<Device[]> {
  return (await catalogueEntries(options)).map(toDevice);
}

/**
 * The device with this id or name; case, spaces and hyphens do not matter, and the memory may be
 * left out where it is the only one. Rejects with {@link UnknownDeviceError} or `CatalogueError`.
 */
export async function findDevice(name: string, options: CatalogueOptions = {}): Promise<Device> {
  const devices = await deviceCatalogue(options);
  const wanted = squash(name);
  const spellings: ((device: Device) => string)[] = [
    ({ id }) => id,
    ({ name }) => name,
    ({ id }) => id.replace(/-\d+gb$/, ''),
  ];
  for (const spell of spellings) {
    const [found, ...others] = devices.filter((device) => squash(spell(device)) === wanted);
    if (found && others.length === 0) return found;
  }
  const ids = devices.map(({ id }) => id);
  throw new UnknownDeviceError(name, nearestNames(name, ids));
}

/** Every device with its sources. Rejects with `CatalogueError`. */
export async function catalogueEntries({
  files = [],
  env = process.env,
}: CatalogueOptions = {}): Promise<CatalogueEntry[]> {
  const own = userCatalogueFile(env);
  // A test holds our own against the schema; nobody waits for that.
  const lists = [builtIn.devices as CatalogueEntry[]];
  for (const file of [...(existsSync(own) ? [own] : []), ...files])
    lists.push(await readCatalogueFile(file));
  return [...new Map(lists.flat().map((entry) => [entry.id, entry])).values()];
}

/** `$XDG_CONFIG_HOME/hearth/devices.json`, or `~/.config/hearth/devices.json`. */
export function userCatalogueFile(env: NodeJS.ProcessEnv = process.env): string {
  const configured = env['XDG_CONFIG_HOME'];
  // The XDG specification tells to ignore relative paths.
  const config =
    configured && path.isAbsolute(configured) ? configured : path.join(homedir(), '.config');
  return path.join(config, 'hearth', 'devices.json');
}

function squash(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}
