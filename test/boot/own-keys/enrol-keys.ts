// Firmware that knows one maker's certificate and no other: as PK, as KEK and in db. efitools make of it what
// firmware takes, and systemd-boot enrols that in a machine that has no keys yet, as a maker may do it, too.
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { copyFile, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { BootSigner } from '../../../appliance/image/boot-signer.js';
import type { DebianTool } from '../../../appliance/image/debian-tools.js';
import { changeEfiFile, makeEfiFolder, writeEfiFile } from '../data-on-disk.js';
import {
  emptyVariables,
  type MachineOptions,
  startMachine,
  variablesIn,
} from '../virtual-machine.js';

const run = promisify(execFile);

export const ENROLMENT_TOOLS: DebianTool[] = [
  ['cert-to-efi-sig-list', 'efitools'],
  ['sign-efi-sig-list', 'efitools'],
];

/** Of the maker, whoever that is. */
const OWNER = '5caa55fb-2f43-4b57-8e38-02b53a56b9aa';
const ENROLMENT_MS = 10 * 60_000;

/** Path of firmware's variables with the certificate of `signer` in them; a copy of `disk` enrols it. */
export async function enrolledVariables(
  disk: string,
  signer: BootSigner,
  machine: MachineOptions,
): Promise<string> {
  const { folder, target } = machine;
  const copy = `${disk}-enrolling`;
  await copyFile(disk, copy, constants.COPYFILE_FICLONE);
  for (const name of ['loader/keys', 'loader/keys/auto']) await makeEfiFolder(copy, name);
  for (const variable of ['PK', 'KEK', 'db']) {
    const content = await signedList(variable, signer, folder);
    const name = `loader/keys/auto/${variable}.auth`;
    await writeEfiFile({ disk: copy, name, folder }, content);
  }
  await changeEfiFile({ disk: copy, name: 'loader/loader.conf', folder }, (text) => {
    return `${text}secure-boot-enroll force\n`;
  });
  const options = { ...machine, secureBoot: true, variables: emptyVariables(target) };
  const enrolling = await startMachine(copy, options);
  for (const until = performance.now() + ENROLMENT_MS; enrolling.isRunning; await sleep(1000))
    if (performance.now() > until)
      throw new Error(`no keys were enrolled:\n${await enrolling.console()}`);
  await rm(copy);
  const variables = path.join(folder, 'own-keys.fd');
  await rename(variablesIn(folder), variables);
  return variables;
}

/** What firmware takes as the new content of a variable. */
async function signedList(variable: string, { key, cert }: BootSigner, folder: string) {
  const at = (suffix: string) => path.join(folder, `${variable}.${suffix}`);
  await run('cert-to-efi-sig-list', ['-g', OWNER, cert, at('esl')]);
  await run('sign-efi-sig-list', [
    '-g',
    OWNER,
    '-k',
    key,
    '-c',
    cert,
    variable,
    at('esl'),
    at('auth'),
  ]);
  return await readFile(at('auth'));
}
