// The files of the system that differ from image to image, as text: names, network, keys, mounts.
// Names were checked by device-settings.ts; what may hold any character is written in hexadecimal or as
// the whole of a file, never into a line of something else. What is the same in all images is in root/.
import { pbkdf2Sync } from 'node:crypto';
import { printable } from '../../terminal/foreign-text.js';
import type { DeviceSettings, Wifi } from './device-settings.js';
import { PARTITION_TYPES } from './partitions.js';

export type SystemFile =
  | { kind: 'file'; path: string; mode: number; text: string }
  | { kind: 'link'; path: string; target: string }
  | { kind: 'folder'; path: string };

export type ConfigInputs = {
  settings: DeviceSettings;
  /** text of hearth.service */
  unit: string;
  modelName: string;
  /** of the partitions; a data partition that is set aside gets the last one */
  uuids: { model: string; data: string; damaged: string };
};

export const MODEL_FOLDER = '/model';
export const KEY_FILE = '/etc/hearth/keys';
export const HEARTH_FOLDER = '/opt/hearth';

/** Nobody can log in on a screen, and nothing may change the system or wake the disk by the clock. */
const MASKED_UNITS =
  'getty@.service serial-getty@.service autovt@.service console-getty.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-networkd-wait-online.service systemd-random-seed.service ssh.socket wpa_supplicant.service'.split(
    ' ',
  );

/** Everything of the system that is made for this image. Paths are absolute, and sorted by nothing. */
export function configFiles(inputs: ConfigInputs): SystemFile[] {
  const { settings } = inputs;
  return [
    ...['/data', MODEL_FOLDER, '/boot', '/etc/hearth'].map(folder),
    ...names(settings),
    ...disk(inputs),
    ...service(inputs),
    ...screen(inputs),
    ...MASKED_UNITS.map((unit) => link(`/etc/systemd/system/${unit}`, '/dev/null')),
    ...(settings.sshKeys.length > 0 ? ssh(settings.sshKeys) : []),
    ...(settings.wifi ? wifi(settings.wifi) : []),
    ...(settings.apiKeys.length > 0 ? [file(KEY_FILE, lines(settings.apiKeys), 0o600)] : []),
  ];
}

function names({ hostname, timezone }: DeviceSettings): SystemFile[] {
  return [
    file('/etc/hostname', `${hostname}\n`),
    file('/etc/hosts', `127.0.0.1 localhost\n127.0.1.1 ${hostname}\n::1 localhost\n`),
    link('/etc/localtime', `/usr/share/zoneinfo/${timezone}`),
    link('/etc/resolv.conf', '/run/systemd/resolve/stub-resolv.conf'),
  ];
}

/** The data partition is mounted by usr/lib/hearth/data, which checks it first. */
function disk({ uuids }: ConfigInputs): SystemFile[] {
  const safe = 'nosuid,nodev,noexec';
  return [
    file(
      '/etc/fstab',
      lines([
        `PARTUUID=${uuids.model} ${MODEL_FOLDER} squashfs ro,${safe},nofail,x-systemd.device-timeout=infinity 0 0`,
        `tmpfs /var tmpfs mode=0755,size=64M,${safe} 0 0`,
        `tmpfs /tmp tmpfs mode=1777,size=64M,${safe} 0 0`,
      ]),
    ),
    file(
      '/usr/lib/hearth/disk',
      lines([
        `DATA_PARTUUID=${uuids.data}`,
        `DAMAGED_PARTUUID=${uuids.damaged}`,
        `DATA_TYPE=${PARTITION_TYPES.linux}`,
      ]),
    ),
  ];
}

function service({ unit, settings }: ConfigInputs): SystemFile[] {
  const folderOf = '/etc/systemd/system';
  const { port, sshKeys } = settings;
  const unprivileged = lines([`net.ipv4.ip_unprivileged_port_start=${port}`]);
  const wanted = ['systemd-networkd', 'systemd-resolved', 'hearth', 'hearth-console'];
  const more = sshKeys.length > 0 ? ['hearth-ssh-keys', 'ssh'] : [];
  return [
    file(`${folderOf}/hearth.service`, unit),
    file(`${folderOf}/hearth.service.d/device.conf`, DEVICE_DROP_IN),
    file(
      `${folderOf}/multi-user.target.d/hearth.conf`,
      lines(['[Unit]', ...[...wanted, ...more].map((name) => `Wants=${name}.service`)]),
    ),
    ...(port < 1024 ? [file('/etc/sysctl.d/61-hearth-port.conf', unprivileged)] : []),
  ];
}

/** What is otherwise on a device that nobody sits at: the user is in the image, and it never gives up. */
const DEVICE_DROP_IN = `[Unit]
Wants=hearth-data.service model.mount
After=hearth-data.service model.mount
StartLimitIntervalSec=0

[Service]
DynamicUser=no
User=hearth
Group=hearth
ExecStartPost=/bin/touch /run/hearth/ready
Restart=always
`;

/** A model's name may hold anything, so it is the whole of a file that is only ever printed. */
function screen({ settings, modelName }: ConfigInputs): SystemFile[] {
  return [
    file('/usr/lib/hearth/device', lines([`PORT=${settings.port}`])),
    file('/usr/lib/hearth/model-name', lines([printable(modelName).replaceAll('\n', ' ')])),
  ];
}

function ssh(keys: string[]): SystemFile[] {
  return [
    file('/etc/ssh/hearth_keys', lines(keys)),
    file(
      '/etc/ssh/sshd_config.d/hearth.conf',
      lines([
        'HostKey /run/hearth-ssh-keys/ssh_host_ed25519_key',
        'AuthorizedKeysFile /etc/ssh/hearth_keys',
        'AllowUsers root',
        'PermitRootLogin prohibit-password',
        'AuthenticationMethods publickey',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'X11Forwarding no',
      ]),
    ),
  ];
}

/** Started by udev for every Wi-Fi card, whatever its name. */
function wifi(network: Wifi): SystemFile[] {
  const rule =
    'ACTION=="add", SUBSYSTEM=="net", ENV{DEVTYPE}=="wlan", TAG+="systemd", ENV{SYSTEMD_WANTS}+="hearth-wifi@$name.service"';
  return [
    file('/etc/udev/rules.d/80-hearth-wifi.rules', lines([rule])),
    file('/etc/hearth/wifi.conf', wifiConfig(network), 0o600),
  ];
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

function file(path: string, text: string, mode = 0o644): SystemFile {
  return { kind: 'file', path, mode, text };
}

function link(path: string, target: string): SystemFile {
  return { kind: 'link', path, target };
}

function folder(path: string): SystemFile {
  return { kind: 'folder', path };
}

function lines(all: string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
