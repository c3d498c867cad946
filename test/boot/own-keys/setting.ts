// What every part of the test of a maker's own keys has: the keys, and machines with a changed copy of the disk.
import { constants } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { BootSigner } from '../../../appliance/image/boot-signer.js';
import { makeUpdateKeys, UPDATE_KEYS } from '../../../appliance/update/update-keys.js';
import type { Access } from '../device.js';
import { type MachineOptions, startMachine, type VirtualMachine } from '../virtual-machine.js';

export type OwnKeysSetting = MachineOptions & {
  disk: string;
  access: Access;
  check: (isRight: boolean, what: string) => void;
};

/** Firmware's words, and when it has said them: long before anything else has run. */
export const REFUSED = /Security Violation|Access Denied/i;
export const REFUSED_MS = 5 * 60_000;

export function bootSignerIn(keys: string): BootSigner {
  const { bootKey, bootCert } = UPDATE_KEYS;
  return { key: path.join(keys, bootKey), cert: path.join(keys, bootCert) };
}

/** Words of hearth image and hearth update-bundle. */
export function signedBy({ key, cert }: BootSigner): string[] {
  return ['--secure-boot-key', key, '--secure-boot-cert', cert];
}

/** Words of hearth image, with new keys in `folder` unless they are there. */
export async function ownKeysImage(keys: string, hasKeys: boolean): Promise<string[]> {
  if (!hasKeys) await makeUpdateKeys({ folder: keys, name: 'boot test', days: 30 });
  const updates = ['--update-ca', path.join(keys, UPDATE_KEYS.caCert)];
  return [
    ...updates,
    '--release',
    '1.0',
    '--update-patience',
    '20m',
    ...signedBy(bootSignerIn(keys)),
  ];
}

/** A copy of the disk, changed. */
export async function withCopy(
  { disk: original }: OwnKeysSetting,
  change: (disk: string) => Promise<void>,
  look: (disk: string) => Promise<void>,
): Promise<void> {
  const disk = `${original}-changed`;
  await copyFile(original, disk, constants.COPYFILE_FICLONE);
  await change(disk);
  try {
    await look(disk);
  } finally {
    await rm(disk);
  }
}

/** And a machine that starts from it, and again. */
export async function withMachine(
  setting: OwnKeysSetting,
  change: (disk: string) => Promise<void>,
  look: (machine: VirtualMachine) => Promise<void>,
): Promise<void> {
  await withCopy(setting, change, async (disk) => {
    const machine = await startMachine(disk, { ...setting, restarts: true });
    try {
      await look(machine);
    } finally {
      await machine.cutPower();
    }
  });
}
