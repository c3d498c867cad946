// Updates as they should go: over HTTP while questions are answered, into the other slot, tried, kept.
// Of each, what was downloaded beside what changed.
import { stat } from 'node:fs/promises';
import { formatDisk } from '../../../terminal/units.js';
import { changedBytes } from '../../support/changed-bytes.js';
import { ask, onDevice } from '../device.js';
import type { VirtualMachine } from '../virtual-machine.js';
import { unpackPart } from './bundles.js';
import { NO_RECORDER, type Recorder, recorderIn } from './recording.js';
import {
  outcomeOf,
  releaseOf,
  restart,
  type Setting,
  show,
  startSettled,
  untilSettled,
  update,
} from './setting.js';

export type GoodUpdate = {
  what: string;
  bundle: string;
  /** of which partition it brings an image */
  part: 'system' | 'model';
  /** the image that the device has of it, before */
  old: string;
  /** what runs after a restart; null where none is waited for */
  wanted: string | null;
  /** whether its writes are kept, for power cuts */
  isRecorded: boolean;
};

/** Shell: kernel and initramfs of slot B are others than the update's, so that it brings them. */
const OLDER_KERNEL_IN_B = `
efi=/run/older-kernel
mkdir $efi && mount -t vfat /run/hearth-disk/efi $efi
for file in vmlinuz initrd; do echo older >$efi/b/$file; done
umount $efi
`;
/** Questions before an update, to compare with. */
const QUIET_ANSWERS = 8;
/** Answers may begin so much later while an update is installed. */
const MAX_TTFT_RATIO = 1.5;
const RESTART_MS = 30 * 60_000;

export async function goodUpdate(setting: Setting, good: GoodUpdate): Promise<void> {
  const { check, disk, folder, access } = setting;
  const recorder = good.isRecorded ? await recorderIn(folder, disk) : NO_RECORDER;
  const machine = await startSettled({ ...setting, writes: recorder.writes });
  check((await releaseOf(machine, setting)) === '1.0 a', 'release 1.0 runs from slot A');
  if (good.isRecorded) await onDevice(machine, access, OLDER_KERNEL_IN_B);
  await recorder.mark('begun');
  await installWhileAsked(machine, setting, good);
  await recorder.mark('installed');
  if (good.wanted !== null) await restartsInto(good.wanted, machine, setting, recorder);
  await onDevice(machine, access, 'sync');
  await recorder.mark('settled');
  await machine.cutPower();
  check(await recorder.isWhole(disk), `${good.what}: what was recorded makes the same disk`);
}

async function restartsInto(
  wanted: string,
  machine: VirtualMachine,
  setting: Setting,
  recorder: Recorder,
) {
  const { check } = setting;
  await recorder.mark('restarting');
  const seconds = await restart(machine, setting, RESTART_MS);
  await recorder.mark('answered');
  const runs = await releaseOf(machine, setting);
  check(runs === wanted, `${runs} answers ${seconds.toFixed(0)} s after the order`);
  await untilSettled(machine, setting);
  check(true, `${runs} stays`);
  const outcome = await outcomeOf(machine, setting);
  check(outcome?.outcome === 'updated', `/props says ${JSON.stringify(outcome)}`);
  check(/update +1\.\d since/.test(await machine.console()), 'the screen says so');
}

async function installWhileAsked(machine: VirtualMachine, setting: Setting, good: GoodUpdate) {
  const { check, server } = setting;
  const { what, bundle } = good;
  await show(setting, bundle);
  const quiet = await answersOf(machine, setting, QUIET_ANSWERS);
  server.sentBytes();
  const asking = askOn(machine, setting);
  const startedAt = performance.now();
  const said = await update(machine, setting);
  const seconds = (performance.now() - startedAt) / 1000;
  const { ttftMs, lost } = await asking.stop();
  const sent = server.sentBytes();
  check(
    /is installed/.test(said),
    `${what}: ${said.split('\n').at(-1)} after ${seconds.toFixed(0)} s`,
  );
  check(lost === 0, `${what}: ${ttftMs.length} answers during the update, ${lost} lost`);
  const ratio = median(ttftMs) / median(quiet);
  const times = `${median(ttftMs).toFixed(0)} ms to the first token, ${median(quiet).toFixed(0)} ms before`;
  check(ratio <= MAX_TTFT_RATIO, `${what}: ${times}, ${ratio.toFixed(2)} times as long`);
  await compareBytes(setting, good, sent);
}

async function compareBytes({ check }: Setting, good: GoodUpdate, sentBytes: number) {
  const { what, part, bundle, old } = good;
  const image = await unpackPart(bundle, part);
  const { size } = await stat(image);
  const changed = await changedBytes(old, image);
  const of = `of ${formatDisk(size)} of the ${part}, of which ${formatDisk(changed)} changed`;
  check(sentBytes <= size * 1.05, `${what}: ${formatDisk(sentBytes)} downloaded ${of}`);
}

async function answersOf(machine: VirtualMachine, { access }: Setting, count: number) {
  const ttftMs: number[] = [];
  for (let i = 0; i < count; i++) ttftMs.push((await ask(machine, access, 4)).ttftMs);
  return ttftMs;
}

/** Questions one after the other, until it is told to stop. */
export function askOn(machine: VirtualMachine, { access }: Setting) {
  let isAsking = true;
  const askOnAndOn = async () => {
    const ttftMs: number[] = [];
    let lost = 0;
    while (isAsking) {
      const answer = await ask(machine, access, 4).catch(() => null);
      if (answer) ttftMs.push(answer.ttftMs);
      else lost++;
    }
    return { ttftMs, lost };
  };
  const counting = askOnAndOn();
  return {
    async stop() {
      isAsking = false;
      return await counting;
    },
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
