// Which Debian packages the device has, and which of their files it does without.
// As few as boot a PC, reach a network and show a screen; each with a reason to be here.
import type { DeviceSettings } from './device-settings.js';
import type { ImageMachine } from './image-machine.js';

export const DEBIAN_RELEASE = 'bookworm';

const PACKAGES = [
  'systemd systemd-sysv udev dbus kmod initramfs-tools busybox zstd systemd-boot-efi',
  // The network: addresses, names of machines nearby, the time once there is a server for it.
  'iproute2 systemd-resolved systemd-timesyncd tzdata ca-certificates',
  // The data partition and its log: grown, checked, repaired.
  'e2fsprogs fdisk sqlite3',
  // The QR code on the screen.
  'qrencode',
].flatMap(words);
const WIFI_PACKAGES = words('wpasupplicant wireless-regdb firmware-iwlwifi firmware-realtek');

export function debianPackages(
  { kernelPackage }: ImageMachine,
  { sshKeys, wifi }: DeviceSettings,
): string[] {
  return [
    ...PACKAGES,
    kernelPackage,
    ...(sshKeys.length > 0 ? ['openssh-server'] : []),
    ...(wifi ? WIFI_PACKAGES : []),
  ];
}

/** Firmware that may be copied but has no source is in a component of its own. */
export function debianComponents({ wifi }: DeviceSettings): string {
  return wifi ? 'main non-free-firmware' : 'main';
}

/** As dpkg's path-exclude has them. Licences stay. */
export function leftOut({ wifi }: DeviceSettings): string[] {
  const modules = words(
    `sound drivers/gpu drivers/media drivers/infiniband drivers/iio drivers/staging drivers/isdn drivers/video/fbdev net/bluetooth drivers/bluetooth${wifi ? '' : ' drivers/net/wireless net/wireless net/mac80211'}`,
  );
  return [
    ...modules.map((name) => `/lib/modules/*/kernel/${name}/*`),
    ...words('doc man info locale lintian bug').map((name) => `/usr/share/${name}/*`),
  ];
}

function words(text: string): string[] {
  return text.split(' ');
}

export const KEPT = ['/usr/share/doc/*/copyright', '/usr/share/locale/locale.alias'];
