// What the user says about the device, read and checked before anything is built.
// Whatever ends up in a generated file is checked here or written there in hexadecimal, so that no
// name can say more than a name. Warns of keys that others can read.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  checkedHostname,
  checkedPassphrase,
  checkedSsid,
  checkedTimezone,
  type Wifi,
} from '../../runtime/setup/owner-settings.js';
import { printable } from '../../terminal/foreign-text.js';
import { warnIfOpen } from '../signature.js';
import type { DdiServer } from '../update/ddi.js';
import { ImageError } from './image-machine.js';

type SettingsFlag =
  | 'hostname'
  | 'ssh-key'
  | 'wifi-ssid'
  | 'wifi-psk-file'
  | 'api-key-file'
  | 'timezone'
  | 'update-ca'
  | 'update-url'
  | 'hawkbit-url'
  | 'hawkbit-token-file';

/** Of `hearth image`. */
export type SettingsFlags = { [Flag in SettingsFlag]?: string | undefined } & {
  port?: number | undefined;
  'update-hour'?: number | undefined;
  'update-patience'?: number | undefined;
  wifi?: boolean | undefined;
  setup?: boolean | undefined;
};

export type DeviceSettings = {
  hostname: string;
  /** lines of authorized_keys; empty for a device without SSH */
  sshKeys: string[];
  wifi: Wifi | null;
  /** whether it has what Wi-Fi takes: a network may be named later */
  hasWifi: boolean;
  apiKeys: string[];
  timezone: string;
  port: number;
  /** certificate of whose updates it takes, in PEM; null for a device that takes none */
  updateCa: string | null;
  /** of a folder of bundles that it looks into by itself; null for none */
  updateUrl: string | null;
  /** a server that assigns it its updates; null for none */
  hawkbit: DdiServer | null;
  /** when it may start again, in its time zone */
  updateHour: number;
  /** how long a system that never answered may take before it starts again */
  patienceMs: number;
  /** whether its owner sets it up at its first start */
  hasSetup: boolean;
};

export const DEFAULT_PORT = 8080;
export const DEFAULT_UPDATE_HOUR = 4;
/** A large model from a slow card. */
const DEFAULT_PATIENCE_MS = 10 * 60_000;
const KEY_TYPES =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com)$/;

/** Rejects with {@link ImageError} or SettingError; `warn` is told of secrets that others can read. */
export async function readSettings(
  flags: SettingsFlags,
  warn: (text: string) => void,
): Promise<DeviceSettings> {
  const { 'ssh-key': sshKeyFile, 'api-key-file': apiKeyFile, port = DEFAULT_PORT } = flags;
  const { 'update-ca': caFile } = flags;
  const wifi = await wifiOf(flags, warn);
  return {
    hostname: checkedHostname(flags.hostname ?? 'hearth', '--hostname'),
    sshKeys: sshKeyFile === undefined ? [] : sshKeysOf(await linesOf(sshKeyFile), sshKeyFile),
    wifi,
    hasWifi: wifi !== null || (flags.wifi ?? false),
    apiKeys: apiKeyFile === undefined ? [] : await apiKeysOf(apiKeyFile, warn),
    timezone: checkedTimezone(flags.timezone ?? 'UTC', '--timezone'),
    port,
    updateCa: caFile === undefined ? null : await caOf(caFile),
    updateUrl: updateAddress(flags, 'update-url'),
    hawkbit: await hawkbitOf(flags, warn),
    updateHour: flags['update-hour'] ?? DEFAULT_UPDATE_HOUR,
    patienceMs: flags['update-patience'] ?? DEFAULT_PATIENCE_MS,
    hasSetup: setupOf(flags),
  };
}

/** A device whose key its maker has set, and may have printed on it, is not taken over by whoever comes first. */
function setupOf({ setup, 'api-key-file': apiKeyFile }: SettingsFlags): boolean {
  if (setup && apiKeyFile !== undefined)
    throw new ImageError('--setup lets the owner set the key; leave out --api-key-file');
  return setup ?? apiKeyFile === undefined;
}

async function wifiOf(
  { 'wifi-ssid': ssid, 'wifi-psk-file': file }: SettingsFlags,
  warn: (text: string) => void,
): Promise<Wifi | null> {
  if (ssid === undefined) {
    if (file === undefined) return null;
    throw new ImageError('--wifi-psk-file is for a network; name it with --wifi-ssid');
  }
  return {
    ssid: checkedSsid(ssid, '--wifi-ssid'),
    passphrase: file === undefined ? null : await passphraseOf(file, warn),
  };
}

async function passphraseOf(file: string, warn: (text: string) => void): Promise<string> {
  await warnIfOpen(file, warn);
  const text = (await linesOf(file)).join('\n');
  return checkedPassphrase(text, file);
}

function sshKeysOf(lines: string[], file: string): string[] {
  const text = lines.join('\n');
  if (text.includes('PRIVATE KEY'))
    throw new ImageError(`${file} is a private key, which stays with you; pass ${file}.pub`);
  const keys = lines.filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const wrong = keys.find((key) => !isPublicKey(key));
  if (keys.length > 0 && wrong === undefined) return keys;
  throw new ImageError(
    `${file} holds no public SSH keys, one a line, such as "ssh-ed25519 AAAA… you@home"${wrong ? `; found ${JSON.stringify(wrong.slice(0, 60))}` : ''}`,
  );
}

function isPublicKey(line: string): boolean {
  const [type = '', key = ''] = line.split(' ');
  return KEY_TYPES.test(type) && /^AAAA[A-Za-z0-9+/]+={0,2}$/.test(key) && printable(line) === line;
}

async function apiKeysOf(file: string, warn: (text: string) => void): Promise<string[]> {
  await warnIfOpen(file, warn);
  const keys = (await linesOf(file)).map((line) => line.trim()).filter(Boolean);
  if (keys.length > 0) return keys;
  throw new ImageError(`${file} holds no key; write one a line`);
}

async function hawkbitOf(
  flags: SettingsFlags,
  warn: (text: string) => void,
): Promise<DdiServer | null> {
  const { 'hawkbit-token-file': file, 'update-url': folder } = flags;
  const url = updateAddress(flags, 'hawkbit-url');
  if (url === null) {
    if (file === undefined) return null;
    throw new ImageError('--hawkbit-token-file is for a server; name it with --hawkbit-url');
  }
  if (folder !== undefined)
    throw new ImageError('--update-url and --hawkbit-url are two ways of updates; choose one');
  return { url, authorization: file === undefined ? null : await authorizationIn(file, warn) };
}

/** Of a token alone, that of a gateway, which is the same for all devices of an image. */
async function authorizationIn(file: string, warn: (text: string) => void): Promise<string> {
  await warnIfOpen(file, warn);
  const [line = '', ...more] = await linesOf(file);
  const [, kind = 'GatewayToken ', token] =
    /^((?:Gateway|Target)Token )?([\x21-\x7e]{1,512})$/.exec(line) ?? [];
  if (token !== undefined && more.length === 0) return `${kind}${token}`;
  throw new ImageError(
    `${file} holds no token; expected one line, such as GatewayToken 3f2a… or TargetToken 3f2a…`,
  );
}

function updateAddress(flags: SettingsFlags, name: 'update-url' | 'hawkbit-url'): string | null {
  const url = flags[name];
  if (url === undefined) return null;
  if (flags['update-ca'] === undefined)
    throw new ImageError(`--${name} is for signed updates; say by whom with --update-ca`);
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed && /^https?:$/.test(parsed.protocol)) return parsed.href;
  throw new ImageError(
    `--${name} ${JSON.stringify(url)} is not an address; expected https://… or http://…`,
  );
}

/** Of a CA: what signs bundles must not be trusted itself, or it could not be replaced. */
async function caOf(file: string): Promise<string> {
  const pem = (await linesOf(file)).map((line) => `${line}\n`).join('');
  const certificate = certificateIn(pem);
  if (certificate?.ca) return certificate.toString();
  throw new ImageError(
    `${file} is not the certificate of a CA in PEM; pass ca.cert.pem of hearth keys`,
  );
}

function certificateIn(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

async function linesOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ImageError(`${file} cannot be read (${error.code})`);
  });
  return text.replace(/\r?\n$/, '').split(/\r?\n/);
}
