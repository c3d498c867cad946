// Which Debian packages the device has, and which of their files it does without.
// As few as boot a PC, reach a network and show a screen; each with a reason to be here.
import type { ImageMachine } from './image-machine.js';

/** What not every device has: a firmware for Wi-Fi is larger than all the rest of a small system. */
export type SystemFeatures = {
  hasWifi: boolean;
  /** by the maker's own key of Secure Boot */
  isSigned: boolean;
};

export const DEBIAN_RELEASE = 'trixie';

const PACKAGES = [
  'systemd systemd-sysv udev dbus kmod initramfs-tools busybox zstd',
  // The network: addresses, names of machines nearby, the time once there is a server for it.
  'iproute2 systemd-resolved systemd-timesyncd tzdata tzdata-legacy ca-certificates openssh-server',
  // The data partition and its log: grown, checked, repaired.
  'e2fsprogs fdisk sqlite3',
  // The system, whose blocks are checked as they are read.
  'dmsetup',
  // Updates, and the boot partition, which they write to.
  'rauc rauc-service dosfstools',
  // The QR code on the screen.
  'qrencode',
].flatMap(words);
const WIFI_PACKAGES = words('wpasupplicant wireless-regdb firmware-iwlwifi firmware-realtek');

export function debianPackages(
  { kernelPackage }: ImageMachine,
  { hasWifi }: Pick<SystemFeatures, 'hasWifi'>,
): string[] {
  return [...PACKAGES, kernelPackage, ...(hasWifi ? WIFI_PACKAGES : [])];
}

/** Of which the EFI partition has a file or two; signed for Secure Boot unless the maker does it. */
export function loaderPackages(
  { architecture }: ImageMachine,
  { isSigned }: Pick<SystemFeatures, 'isSigned'>,
): string[] {
  if (isSigned) return ['systemd-boot-efi'];
  return ['shim-signed', `systemd-boot-efi-${architecture}-signed`];
}

/** Firmware that may be copied but has no source is in a component of its own. */
export function debianComponents({ hasWifi }: Pick<SystemFeatures, 'hasWifi'>): string {
  return hasWifi ? 'main non-free-firmware' : 'main';
}

/** Drivers of networks and disks that no small PC or board has; the initramfs has all others, too. */
const SERVER_CARDS = [
  ...words('brocade cavium chelsio cisco emulex huawei mellanox netronome pensando qlogic sfc').map(
    (name) => `drivers/net/ethernet/${name}`,
  ),
  ...words(
    'aacraid aic94xx be2iscsi bfa bnx2fc bnx2i csiostor cxgbi elx esas2r fcoe fnic libfc lpfc megaraid mpi3mr mpt3sas mvsas pm8001 qedf qedi qla2xxx qla4xxx smartpqi snic',
  ).map((name) => `drivers/scsi/${name}`),
];

/** As dpkg's path-exclude has them. Licences stay. */
export function leftOut({ hasWifi }: Pick<SystemFeatures, 'hasWifi'>): string[] {
  const modules = words(
    `sound drivers/gpu drivers/media drivers/infiniband drivers/iio drivers/staging drivers/isdn drivers/video/fbdev net/bluetooth drivers/bluetooth${hasWifi ? '' : ' drivers/net/wireless net/wireless net/mac80211'}`,
  );
  return [
    ...[...modules, ...SERVER_CARDS].map((name) => `/usr/lib/modules/*/kernel/${name}/*`),
    // UEFI brings the board's device tree, and all texts are in UTF-8, which the C library itself knows.
    ...['/usr/lib/linux-image-*/*', '/usr/lib/*/gconv/*'],
    ...words('doc man info locale lintian bug').map((name) => `/usr/share/${name}/*`),
  ];
}

function words(text: string): string[] {
  return text.split(' ');
}

export const KEPT = ['/usr/share/doc/*/copyright', '/usr/share/locale/locale.alias'];
