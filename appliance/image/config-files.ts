// The files of the system that are made when it is: what it may start, its disk, its way of updating.
// They are the same for all devices of a kind, so that an update can bring them: what differs is on the
// partition of the settings, and linked to. What is the same for all kinds is in root/.
import { MIGRATIONS } from '../../runtime/log/migrations.js';
import type { SystemFeatures } from './debian-packages.js';
import type { ImageMachine } from './image-machine.js';
import { DISK_FOLDER, SETTINGS_FOLDER } from './initramfs.js';
import { entryTemplate } from './loader-entry.js';
import { raucConfig } from './rauc-config.js';
import { file, folder, lines, link, type SystemFile } from './system-file.js';

export type ConfigInputs = {
  machine: Pick<ImageMachine, 'serial'>;
  /** RAUC's name of this kind of devices */
  compatible: string;
  /** version of the system */
  release: string;
  /** text of hearth.service */
  unit: string;
} & SystemFeatures;

export const MODEL_FOLDER = '/model';
export const HEARTH_FOLDER = '/opt/hearth';

/** Nobody can log in on a screen, and nothing may change the system or wake the disk by the clock. */
const MASKED_UNITS =
  'getty@.service serial-getty@.service autovt@.service console-getty.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-networkd-wait-online.service systemd-random-seed.service ssh.socket wpa_supplicant.service systemd-bless-boot.service'.split(
    ' ',
  );

/** Everything of the system that is made for this kind of device. Paths are absolute, and sorted by nothing. */
export function configFiles(inputs: ConfigInputs): SystemFile[] {
  return [
    ...['/data', MODEL_FOLDER, '/boot'].map(folder),
    ...names(),
    disk(),
    ...service(inputs),
    ...updates(inputs),
    ...MASKED_UNITS.map((unit) => link(`/etc/systemd/system/${unit}`, '/dev/null')),
    file('/etc/ssh/sshd_config.d/hearth.conf', SSH_CONFIG),
    ...(inputs.hasWifi ? [wifi()] : []),
  ];
}

function names(): SystemFile[] {
  return [
    ...['hostname', 'hosts', 'localtime'].map((name) => setting(`/etc/${name}`, name)),
    setting('/etc/sysctl.d/61-hearth-settings.conf', 'sysctl.conf'),
    link('/etc/resolv.conf', '/run/systemd/resolve/stub-resolv.conf'),
  ];
}

/** The data partition is mounted by usr/lib/hearth/data, which checks it first. */
function disk(): SystemFile {
  const safe = 'nosuid,nodev,noexec';
  return file(
    '/etc/fstab',
    lines([
      `${DISK_FOLDER}/model ${MODEL_FOLDER} squashfs ro,${safe},nofail 0 0`,
      `tmpfs /var tmpfs mode=0755,size=64M,${safe} 0 0`,
      `tmpfs /tmp tmpfs mode=1777,size=64M,${safe} 0 0`,
    ]),
  );
}

function service({ unit }: ConfigInputs): SystemFile[] {
  const folderOf = '/etc/systemd/system';
  const wanted =
    'systemd-networkd systemd-resolved hearth hearth-setup hearth-console hearth-healthy hearth-ssh-keys ssh';
  const units = [
    ...wanted.split(' ').map((name) => `${name}.service`),
    ...['hearth-setup.path', 'hearth-update.timer', 'hearth-restart.timer'],
  ];
  const hasKeys = lines(['[Unit]', `ConditionPathExists=${SETTINGS_FOLDER}/ssh-keys`]);
  return [
    file(`${folderOf}/hearth.service`, unit),
    file(`${folderOf}/hearth.service.d/device.conf`, DEVICE_DROP_IN),
    setting(`${folderOf}/hearth.service.d/settings.conf`, 'hearth.service.conf'),
    file(`${folderOf}/ssh.service.d/hearth.conf`, hasKeys),
    file(
      `${folderOf}/multi-user.target.d/hearth.conf`,
      lines(['[Unit]', ...units.map((name) => `Wants=${name}`)]),
    ),
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
EnvironmentFile=${MODEL_FOLDER}/serve.env
ExecStartPost=/bin/touch /run/hearth/ready
Restart=always
`;

/** What an update brings to the boot partition, and what RAUC asks. */
function updates({ machine, compatible, release, isSigned }: ConfigInputs): SystemFile[] {
  return [
    file('/usr/lib/hearth/loader-entry', entryTemplate(machine, { isSigned })),
    file('/usr/lib/hearth/release', lines([release])),
    file('/usr/lib/hearth/log-steps', lines(MIGRATIONS.map(({ name }) => name))),
    file('/etc/rauc/system.conf', raucConfig(compatible)),
    setting('/etc/systemd/system/hearth-restart.timer.d/hour.conf', 'restart.timer.conf'),
  ];
}

const SSH_CONFIG = lines([
  'HostKey /run/hearth-ssh-keys/ssh_host_ed25519_key',
  `AuthorizedKeysFile ${SETTINGS_FOLDER}/ssh-keys`,
  'AllowUsers root',
  'PermitRootLogin prohibit-password',
  'AuthenticationMethods publickey',
  'PasswordAuthentication no',
  'KbdInteractiveAuthentication no',
  'X11Forwarding no',
]);

/** Started by udev for every Wi-Fi card, whatever its name. */
function wifi(): SystemFile {
  const rule =
    'ACTION=="add", SUBSYSTEM=="net", ENV{DEVTYPE}=="wlan", TAG+="systemd", ENV{SYSTEMD_WANTS}+="hearth-wifi@$name.service"';
  return file('/etc/udev/rules.d/80-hearth-wifi.rules', lines([rule]));
}

function setting(path: string, name: string): SystemFile {
  return link(path, `${SETTINGS_FOLDER}/${name}`);
}
