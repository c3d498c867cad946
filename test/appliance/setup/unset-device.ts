// A device in a folder that nobody has set up, and what its owner might set. It asserts nothing.
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readSettings } from '../../../appliance/image/device-settings.js';
import { settingsFiles } from '../../../appliance/image/settings-files.js';
import { writeSystemFiles } from '../../../appliance/image/system-file.js';

export const OWNER = {
  ...{
    hostname: 'kitchen',
    timezone: 'Asia/Tokyo',
    api_key: 'key#of the house'.replaceAll(' ', '-'),
  },
  wifi: { ssid: '家', passphrase: 'correct horse' },
};

/** `flags`: of hearth image. */
export async function makeUnsetDevice(
  root: string,
  flags: Parameters<typeof readSettings>[0] = {},
): Promise<void> {
  const settings = await readSettings({ port: 80, ...flags }, () => {});
  const files = settingsFiles({ settings, memoryMaxBytes: 2 ** 30 });
  const folder = path.join(root, 'run/hearth-settings');
  rmSync(folder, { recursive: true, force: true });
  await writeSystemFiles(folder, files);
  mkdirSync(path.join(root, 'var/lib/hearth'), { recursive: true });
  mkdirSync(path.join(root, 'data'), { recursive: true });
}

/** As hearth serve leaves it. */
export function request(root: string, settings: object | string): void {
  const file = path.join(root, 'var/lib/hearth/setup.json');
  writeFileSync(file, typeof settings === 'string' ? settings : JSON.stringify(settings));
  chmodSync(file, 0o600);
}
