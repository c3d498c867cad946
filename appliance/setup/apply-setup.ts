// What the owner set at the first start, as the device's settings: all of its files made anew, of what the
// image was made with and what was said. Once: what is kept is root's, and a second request changes nothing.
// usr/lib/hearth/setup runs it at each start and right after the setup, and puts the files in force.
import { constants } from 'node:fs';
import { appendFile, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import {
  type OwnerSettings,
  ownerSettingsText,
  readOwnerSettings,
} from '../../runtime/setup/owner-settings.js';
import { openOutput } from '../../terminal/output-file.js';
import { parseJson } from '../../terminal/parse-json.js';
import { SETTINGS_FOLDER, SETUP_REQUEST } from '../image/initramfs.js';
import { SETUP_FILE, type SettingsInputs, settingsFiles } from '../image/settings-files.js';
import { writeSystemFiles } from '../image/system-file.js';

export type ApplyOptions = {
  /** where what was set is kept */
  kept: string;
  /** where the files go; made anew */
  folder: string;
  /** where the device's files are, for tests */
  root?: string;
};

const NOTICES = '/run/hearth-notices';
const MAX_REQUEST_BYTES = 64 << 10;

/** False where nothing was set yet, or where it could not be read, which the screen then says. */
export async function applySetup({ kept, folder, root = '/' }: ApplyOptions): Promise<boolean> {
  const request = path.join(root, SETUP_REQUEST);
  const owner = (await readKept(kept, root)) ?? (await takeRequest(request, kept, root));
  if (owner) {
    const made = path.join(root, SETTINGS_FOLDER, SETUP_FILE);
    const inputs = JSON.parse(await readFile(made, 'utf8')) as SettingsInputs;
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o755 });
    await writeSystemFiles(folder, settingsFiles(withOwner(inputs, owner)));
  }
  return owner !== null;
}

/** A network that the image names stays where the owner names none. */
function withOwner({ settings, ...more }: SettingsInputs, owner: OwnerSettings): SettingsInputs {
  const { hostname, timezone, apiKey, wifi } = owner;
  const said = { hostname, timezone, apiKeys: apiKey === null ? [] : [apiKey] };
  return {
    ...more,
    settings: { ...settings, ...said, wifi: wifi ?? settings.wifi, hasSetup: false },
  };
}

/** What cannot be read any more, as on a disk that fails, is kept beside. */
async function readKept(kept: string, root: string): Promise<OwnerSettings | null> {
  const text = await readFile(kept, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return readOwnerSettings(parseJson(text));
  } catch {
    await rename(kept, `${kept}.damaged`);
    await notice('What was set at the first start cannot be read; set the device up again.', root);
    return null;
  }
}

/** Checked again, as whoever breaks into hearth serve could write it, too. */
async function takeRequest(request: string, kept: string, root: string) {
  const text = await readRequest(request);
  if (text === null) return null;
  try {
    const settings = readOwnerSettings(parseJson(text));
    await keep(kept, settings);
    return settings;
  } catch (error) {
    await notice(`The device was not set up: ${(error as Error).message}`, root);
    return null;
  }
}

/** Null for none. A link or a pipe in its place is empty text, which is refused. */
async function readRequest(request: string): Promise<string | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(request, flags).catch((error: NodeJS.ErrnoException) => error);
  if (handle instanceof Error) return handle.code === 'ENOENT' ? null : '';
  try {
    const found = await handle.stat();
    return found.isFile() && found.size <= MAX_REQUEST_BYTES ? await handle.readFile('utf8') : '';
  } finally {
    await handle.close();
  }
}

async function keep(kept: string, settings: OwnerSettings): Promise<void> {
  await mkdir(path.dirname(kept), { recursive: true, mode: 0o700 });
  const output = await openOutput(kept, { inputs: [] });
  try {
    await output.handle.chmod(0o600);
    await output.handle.writeFile(ownerSettingsText(settings));
    await output.commit();
  } finally {
    await output.discard();
  }
}

async function notice(text: string, root: string): Promise<void> {
  await appendFile(path.join(root, NOTICES), `${text}\n`);
}
