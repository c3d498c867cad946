// What a device knows of itself and of its updates: files of its slots, settings and data.
// Paths are below a root that tests replace. Records are lines of NAME=value, which shell scripts read.
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DISK_FOLDER, SETTINGS_FOLDER } from '../image/initramfs.js';
import { type BootSlot, SLOTS } from '../image/loader-entry.js';
import { checkedRelease, compareReleases } from './release.js';
import { UpdateError } from './update-error.js';

export type UpdatableDevice = {
  /** RAUC's name of this kind of device */
  compatible: string;
  /** newest of what runs: the system's or the model's */
  release: string;
  slot: BootSlot;
  /** RAUC's */
  configFile: string;
  /** of a folder of bundles, or null */
  updateUrl: string | null;
};

const CONFIG = 'etc/rauc/system.conf';
const RECORDS = 'data/update';

/** Rejects with {@link UpdateError} where this is no device, or one that takes no updates. */
export async function readDevice(root = '/'): Promise<UpdatableDevice> {
  const read = async (name: string) =>
    await readFile(path.join(root, name), 'utf8').catch(() => null);
  const config = await read(CONFIG);
  const started = (await read(`${DISK_FOLDER}/slot`))?.trim();
  const slot = SLOTS.find((name) => name === started);
  const compatible = /^compatible=(.*)$/m.exec(config ?? '')?.[1];
  if (compatible === undefined || slot === undefined)
    throw new UpdateError('this is no device of hearth image; hearth update is for those');
  if ((await read(`${SETTINGS_FOLDER}/update-ca.pem`)) === null)
    throw new UpdateError('this device takes no updates: its image was made without --update-ca');
  const releases = [await read('usr/lib/hearth/release'), await read('model/release')];
  const known = releases.flatMap((text) => (text === null ? [] : checkedRelease(text.trim())));
  const release = known.sort(compareReleases).at(-1) ?? '0';
  const updateUrl = (await read(`${SETTINGS_FOLDER}/update-url`))?.trim() ?? null;
  const configFile = path.join(root, CONFIG);
  return { compatible, release, slot, configFile, updateUrl };
}

/** The release that was installed and not started yet; null for none. */
export async function installedRelease(root = '/'): Promise<string | null> {
  const text = await readFile(path.join(root, RECORDS, 'installed'), 'utf8').catch(() => '');
  return /^RELEASE=(.*)$/m.exec(text)?.[1] ?? null;
}

export type Installed = { slot: BootSlot; release: string; from: string };

/** Before RAUC begins: a device whose power goes right after it has chosen the slot knows of it. */
export async function recordInstalling({ slot, release, from }: Installed, root = '/') {
  await writeRecord(root, 'installing', { SLOT: slot, RELEASE: release, FROM: from });
}

/** Once RAUC is done; the next start says what became of it. */
export async function recordInstalled(root = '/'): Promise<void> {
  const folder = path.join(root, RECORDS);
  await rename(path.join(folder, 'installing'), path.join(folder, 'installed'));
}

/** An update that was refused or broken off. */
export async function recordFailure(
  { release, from, reason }: { release: string; from: string; reason: string },
  root = '/',
): Promise<void> {
  for (const name of ['installing', 'installed'])
    await rm(path.join(root, RECORDS, name), { force: true });
  const at = `${new Date().toISOString().slice(0, 19)}Z`;
  const told = reason.replace(/[^\w .,:/()-]/g, '?').slice(0, 200);
  const fields = { OUTCOME: 'failed', RELEASE: release, FROM: from, AT: at, REASON: `'${told}'` };
  await writeRecord(root, 'outcome', fields);
}

async function writeRecord(root: string, name: string, fields: Record<string, string>) {
  const folder = path.join(root, RECORDS);
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, name);
  const text = Object.entries(fields).map(([key, value]) => `${key}=${value}\n`);
  {
    await using handle = await open(`${file}.new`, 'w');
    await handle.writeFile(text.join(''));
    await handle.sync();
  }
  await rename(`${file}.new`, file);
}
