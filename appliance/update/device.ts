// What a device knows of itself and of its updates: files of its slots, settings and data.
// Paths are below a root that tests replace. Records are lines of NAME=value, which shell scripts read.
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { readUpdateOutcome, type UpdateOutcome } from '../../runtime/server/update-outcome.js';
import { DISK_FOLDER, SETTINGS_FOLDER } from '../image/initramfs.js';
import { type BootSlot, SLOTS } from '../image/loader-entry.js';
import type { DdiServer } from './ddi.js';
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
  /** that assigns it its updates, or null */
  hawkbit: DdiServer | null;
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
  const setting = async (name: string) =>
    (await read(`${SETTINGS_FOLDER}/${name}`))?.trim() ?? null;
  const [updateUrl, url] = [await setting('update-url'), await setting('hawkbit-url')];
  const hawkbit = url === null ? null : { url, authorization: await setting('hawkbit-token') };
  const configFile = path.join(root, CONFIG);
  return { compatible, release, slot, configFile, updateUrl, hawkbit };
}

/**
 * What a server knows this device by: the address of its first network card, which stays when it is flashed
 * anew or gets another name, and which its maker may have on a label. Rejects with {@link UpdateError}.
 */
export async function deviceId(root = '/'): Promise<string> {
  const folder = path.join(root, 'sys/class/net');
  for (const name of (await readdir(folder).catch(() => [])).sort()) {
    // Bridges and the like have none.
    const isCard = (await readdir(path.join(folder, name, 'device')).catch(() => null)) !== null;
    const text = isCard ? await readFile(path.join(folder, name, 'address'), 'utf8') : '';
    const address = text.trim().replaceAll(':', '');
    if (/^[0-9a-f]{12}$/.test(address)) return `hearth-${address}`;
  }
  throw new UpdateError('this device has no network card to be known by');
}

/** How the last update ended; null where there was none. */
export async function readOutcome(root = '/'): Promise<UpdateOutcome | null> {
  return await readUpdateOutcome(path.join(root, RECORDS, 'outcome'));
}

/** The action of a server that is not closed yet. */
export type Order = {
  id: string;
  /** how often it could not be installed */
  failures: number;
  /** that was installed for it */
  release?: string | undefined;
};

export async function readOrder(root = '/'): Promise<Order | null> {
  const text = await readFile(path.join(root, RECORDS, 'order'), 'utf8').catch(() => '');
  const [, id] = /^ID=(.+)$/m.exec(text) ?? [];
  if (id === undefined) return null;
  const failures = Number(/^FAILURES=(\d+)$/m.exec(text)?.[1] ?? 0);
  return { id, failures, release: /^RELEASE=(.+)$/m.exec(text)?.[1] };
}

export async function recordOrder({ id, failures, release }: Order, root = '/'): Promise<void> {
  const installed = release !== undefined && { RELEASE: release };
  await writeRecord(root, 'order', { ID: id, FAILURES: `${failures}`, ...installed });
}

export async function forgetOrder(root = '/'): Promise<void> {
  await rm(path.join(root, RECORDS, 'order'), { force: true });
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
