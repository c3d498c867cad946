// RAUC's system.conf of an image: two groups of slots, each a system with its model beside it.
// A bundle for another kind of device, in a format that is not checked as it streams, or signed by
// another CA than the settings name, is refused by RAUC before anything is written.
import type { ImageTarget } from '../manifest.js';
import type { SystemFeatures } from './debian-packages.js';
import { DISK_FOLDER, SETTINGS_FOLDER } from './initramfs.js';
import { SLOTS } from './loader-entry.js';

/** RAUC's name of the devices that a bundle is for; they refuse any other. */
export function compatibleOf(target: ImageTarget, features: SystemFeatures): string {
  const { hasWifi, isSigned } = features;
  return `hearth-${target}${hasWifi ? '-wifi' : ''}${isSigned ? '-signed' : ''}`;
}

/** Text of /etc/rauc/system.conf. */
export function raucConfig(compatible: string): string {
  const slots = SLOTS.flatMap((slot, index) => [
    [
      `[slot.system.${index}]`,
      `device=${DISK_FOLDER}/system-${slot}`,
      'type=raw',
      `bootname=${slot}`,
    ],
    [
      `[slot.model.${index}]`,
      ...[`device=${DISK_FOLDER}/model-${slot}`, 'type=raw', `parent=system.${index}`],
    ],
  ]);
  const sections = [
    [
      ...['[system]', `compatible=${compatible}`, 'bootloader=custom', 'bundle-formats=verity'],
      'data-directory=/data/rauc',
    ],
    ['[keyring]', `path=${SETTINGS_FOLDER}/update-ca.pem`, 'check-purpose=codesign'],
    [
      ...['[handlers]', 'bootloader-custom-backend=/usr/lib/hearth/boot'],
      'pre-install=/usr/lib/hearth/fill-slots',
      'post-install=/usr/lib/hearth/start-next',
    ],
    ...slots,
  ];
  return sections.map((section) => `${section.join('\n')}\n`).join('\n');
}
