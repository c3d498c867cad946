// What one device or one maker's devices are told, as files of a partition of its own: names, network,
// keys, limits. The system has links to them, so an update of it brings none and changes none.
// Names were checked by device-settings.ts; what may hold any character is written in hexadecimal, as
// JSON, or as the whole of a file, never into a line of something else.
import { pbkdf2Sync } from 'node:crypto';
import path from 'node:path';
import { isPsk, type Wifi } from '../../runtime/setup/owner-settings.js';
import type { DeviceSettings } from './device-settings.js';
import { SETTINGS_FOLDER, SETUP_REQUEST } from './initramfs.js';
import { file, lines, link, type SystemFile } from './system-file.js';

export type SettingsInputs = {
  settings: DeviceSettings;
  /** most that hearth and its engine may take together */
  memoryMaxBytes: number;
};

/** There until its owner has set the device up. */
export const SETUP_FILE = 'setup.json';

/** Paths are relative to the partition. */
export function settingsFiles(inputs: SettingsInputs): SystemFile[] {
  const { settings, memoryMaxBytes } = inputs;
  const { hostname, timezone, port, apiKeys, sshKeys, wifi, patienceMs } = settings;
  const unprivileged = lines([`net.ipv4.ip_unprivileged_port_start=${port}`]);
  return [
    file('hostname', `${hostname}\n`),
    file('hosts', `127.0.0.1 localhost\n127.0.1.1 ${hostname}\n::1 localhost\n`),
    link('localtime', `/usr/share/zoneinfo/${timezone}`),
    file('device', lines([`PORT=${port}`, `PATIENCE_S=${Math.ceil(patienceMs / 1000)}`])),
    file('sysctl.conf', port < 1024 ? unprivileged : ''),
    file('serve.json', `${JSON.stringify(serveConfig(settings), null, 1)}\n`),
    file('hearth.service.conf', serviceLimits(apiKeys.length > 0, memoryMaxBytes)),
    ...keys(apiKeys),
    ...(sshKeys.length > 0 ? [file('ssh-keys', lines(sshKeys))] : []),
    ...(wifi ? [file('wifi.conf', wifiConfig(wifi), 0o600)] : []),
    ...updates(settings),
    // What all of this is made of once more, with what the owner says in it.
    ...(settings.hasSetup ? [file(SETUP_FILE, `${JSON.stringify(inputs)}\n`, 0o600)] : []),
  ];
}

/** And what the screen's QR code has behind the page's address, where only the browser reads it. */
function keys(apiKeys: string[]): SystemFile[] {
  const [first] = apiKeys;
  if (first === undefined) return [];
  const fragment = `#key=${encodeURIComponent(first)}`;
  return [file('keys', lines(apiKeys), 0o600), file('page-key', lines([fragment]), 0o600)];
}

function updates({ updateCa, updateUrl, hawkbit, updateHour }: DeviceSettings): SystemFile[] {
  const hour = `${updateHour}`.padStart(2, '0');
  return [
    file('restart.timer.conf', lines(['[Timer]', 'OnCalendar=', `OnCalendar=*-*-* ${hour}:00`])),
    ...(updateCa === null ? [] : [file('update-ca.pem', updateCa)]),
    ...(updateUrl === null ? [] : [file('update-url', lines([updateUrl]))]),
    // A device that was set up was made of an image whose settings did not know it.
    ...(hawkbit ? [file('hawkbit-url', lines([hawkbit.url]))] : []),
    ...(hawkbit?.authorization
      ? [file('hawkbit-token', lines([hawkbit.authorization]), 0o600)]
      : []),
  ];
}

/** Options of `hearth serve`, which listens on every address of the device, IPv6 too. */
function serveConfig({ hostname, port, apiKeys, hasSetup }: DeviceSettings): object {
  const names = { 'allow-host': [hostname, `${hostname}.local`] };
  const open = apiKeys.length === 0 && { 'no-auth': true };
  return { host: '::', port, ...names, ...open, ...(hasSetup && { setup: SETUP_REQUEST }) };
}

/** A drop-in of hearth.service. */
function serviceLimits(hasKeys: boolean, memoryMaxBytes: number): string {
  const keys = [
    `LoadCredential=keys:${path.posix.join(SETTINGS_FOLDER, 'keys')}`,
    'Environment=HEARTH_API_KEY_FILE=%d/keys',
  ];
  return lines(['[Service]', `MemoryMax=${memoryMaxBytes}`, ...(hasKeys ? keys : [])]);
}

/** wpa_supplicant takes all three in hexadecimal: quotes and newlines in them mean nothing. */
function wifiConfig({ ssid, passphrase }: Wifi): string {
  const secrets =
    passphrase === null
      ? ['\tkey_mgmt=NONE']
      : [
          `\tkey_mgmt=WPA-PSK WPA-PSK-SHA256${isPsk(passphrase) ? '' : ' SAE'}`,
          `\tpsk=${pskOf(ssid, passphrase)}`,
          ...saeOf(passphrase),
          '\tieee80211w=1',
        ];
  const name = Buffer.from(ssid).toString('hex');
  return lines(['network={', `\tssid=${name}`, '\tscan_ssid=1', ...secrets, '}']);
}

function pskOf(ssid: string, passphrase: string): string {
  if (isPsk(passphrase)) return passphrase.toLowerCase();
  return pbkdf2Sync(passphrase, ssid, 4096, 32, 'sha1').toString('hex');
}

/** WPA3 takes the passphrase itself, which a key does not tell. */
function saeOf(passphrase: string): string[] {
  return isPsk(passphrase) ? [] : [`\tsae_password=${Buffer.from(passphrase).toString('hex')}`];
}
