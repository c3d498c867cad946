// Bundles that are signed with the right key and are no good: what ran before is back by itself.
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { copyPartition } from '../data-on-disk.js';
import { onDevice } from '../device.js';
import type { VirtualMachine } from '../virtual-machine.js';
import {
  outcomeOf,
  releaseOf,
  restart,
  type Setting,
  settledSeconds,
  show,
  startSettled,
  untilSettled,
  update,
} from './setting.js';

const run = promisify(execFile);

export type BadBundle = {
  what: string;
  bundle: string;
  /**
   * whether its system starts, and waits for an answer as long as it may: without KVM only the third
   * try of such a one is waited for
   */
  isSlow: boolean;
};

/** A system may take so many times as long as one that answered. */
const PATIENCE = 2;
/** Three tries, and the start of the other one. */
const FALL_BACK_MS = 40 * 60_000;
/** Shell, after an update: two tries of it are used up. */
const THIRD_TRY = `
efi=/run/third-try
mkdir $efi && mount -t vfat /run/hearth-disk/efi $efi
mv $efi/loader/entries/hearth-b+3.conf $efi/loader/entries/hearth-b+1-2.conf
umount $efi
`;

export async function fallsBack(setting: Setting, { what, bundle, isSlow }: BadBundle) {
  const { check, access, accelerator } = setting;
  await show(setting, bundle);
  const machine = await startSettled(setting);
  const before = await releaseOf(machine, setting);
  await shortenPatience(machine, setting);
  const said = await update(machine, setting);
  check(/is installed/.test(said), `${what}: ${said.split('\n').at(-1)}`);
  if (isSlow && accelerator === 'tcg') await onDevice(machine, access, THIRD_TRY);
  const watch = watchHealth(machine);
  const startedAt = performance.now();
  await restart(machine, setting, FALL_BACK_MS);
  const after = await untilRelease(before, machine, setting);
  const seconds = (performance.now() - startedAt) / 1000;
  check(after === before, `${what}: ${after} runs again after ${seconds.toFixed(0)} s`);
  check(true, `${what}: /health said meanwhile: ${(await watch.stop()).join('; ')}`);
  await untilSettled(machine, setting);
  const outcome = await outcomeOf(machine, setting);
  check(outcome?.outcome === 'fell-back', `${what}: /props says ${JSON.stringify(outcome)}`);
  check(/did not answer/.test(await machine.console()), `${what}: the screen says so`);
  const log = await onDevice(machine, access, 'journalctl -u hearth-healthy -o cat');
  check(/did not answer/.test(log), `${what}: the log says so`);
  await machine.cutPower();
}

/** Which runs in the end: /health may be well of a system that then answers no question. */
async function untilRelease(wanted: string, machine: VirtualMachine, setting: Setting) {
  let release = '';
  for (const until = performance.now() + FALL_BACK_MS; performance.now() < until; ) {
    // It may be starting again right now.
    release = await releaseOf(machine, setting).catch(() => release);
    if (release === wanted) break;
    await sleep(5_000);
  }
  return release;
}

/** Without KVM even a good start takes minutes, and one that never answers is not waited for longer. */
async function shortenPatience(machine: VirtualMachine, { disk, folder, access }: Setting) {
  const [image, root] = [path.join(folder, 'settings.img'), path.join(folder, 'settings')];
  await copyPartition(disk, 'hearth-settings', image);
  await rm(root, { recursive: true, force: true });
  await run('unsquashfs', ['-q', '-n', '-d', root, image]);
  const file = path.join(root, 'device');
  const text = await readFile(file, 'utf8');
  const patience = Math.ceil((await settledSeconds(folder)) * PATIENCE);
  await writeFile(file, text.replace(/^PATIENCE_S=.*$/m, `PATIENCE_S=${patience}`));
  await run('mksquashfs', [root, image, '-noappend', '-quiet', '-no-progress']);
  const bytes = (await readFile(image)).toString('base64');
  const write = 'base64 -d | dd of=/run/hearth-disk/settings conv=fsync status=none';
  await onDevice(machine, access, `echo ${bytes} | ${write}`);
}

/** What /health says from now on, each thing once, until it is told to stop. */
function watchHealth({ url }: VirtualMachine) {
  let isWatching = true;
  const watch = async () => {
    const said = new Set<string>();
    while (isWatching) {
      const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(20_000) }).catch(
        () => null,
      );
      const text = await response?.text().catch(() => '');
      if (response) said.add(`${response.status} ${text?.slice(0, 120)}`);
      await sleep(500);
    }
    return [...said];
  };
  const watching = watch();
  return {
    async stop() {
      isWatching = false;
      return await watching;
    },
  };
}
