// What one device or one maker's devices are told, as files of a partition of its own: names, network,
// keys, limits. The system has links to them, so an update of it brings none and changes none.
// Names were checked by device-settings.ts; what may hold any character is written in hexadecimal, as
// JSON, or as the whole of a file, never into a line of something else.
import { pbkdf2Sync } from 'node:crypto';
import path from 'node:path';
import type { DeviceSettings, Wifi } from './device-settings.js';
import { SETTINGS_FOLDER } from './initramfs.js';
import { file, lines, link, type SystemFile } from './system-file.js';

export type SettingsInputs = {
  settings: DeviceSettings;
  /** most that hearth and its engine may take together */
  memoryMaxBytes: number;
};

/** Paths are relative to the partition. */
export function settingsFiles({ settings, memoryMaxBytes }: SettingsInputs): SystemFile[] {
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
    ...(apiKeys.length > 0 ? [file('keys', lines(apiKeys), 0o600)] : []),
    ...(sshKeys.length > 0 ? [file('ssh-keys', lines(sshKeys))] : []),
    ...(wifi ? [file('wifi.conf', wifiConfig(wifi), 0o600)] : []),
    ...updates(settings),
  ];
}

function updates({ updateCa, updateUrl, updateHour }: DeviceSettings): SystemFile[] {
  const hour = `${updateHour}`.padStart(2, '0');
  return [
    file('restart.timer.conf', lines(['[Timer]', 'OnCalendar=', `OnCalendar=*-*-* ${hour}:00`])),
    ...(updateCa === null ? [] : [file('update-ca.pem', updateCa)]),
    ...(updateUrl === null ? [] : [file('update-url', lines([updateUrl]))]),
  ];
}

/** Options of `hearth serve`, which listens on every address of the device, IPv6 too. */
function serveConfig({ hostname, port, apiKeys }: DeviceSettings): object {
  const names = { 'allow-host': [hostname, `${hostname}.local`] };
  return { host: '::', port, ...names, ...(apiKeys.length === 0 && { 'no-auth': true }) };
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
          '\tkey_mgmt=WPA-PSK WPA-PSK-SHA256 SAE',
          `\tpsk=${pbkdf2Sync(passphrase, ssid, 4096, 32, 'sha1').toString('hex')}`,
          `\tsae_password=${Buffer.from(passphrase).toString('hex')}`,
          '\tieee80211w=1',
        ];
  const name = Buffer.from(ssid).toString('hex');
  return lines(['network={', `\tssid=${name}`, '\tscan_ssid=1', ...secrets, '}']);
}
