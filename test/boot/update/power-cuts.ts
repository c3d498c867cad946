// Power cuts at every stage of an update, found in the recorded writes of one: each state of the disk is
// looked at as a PC and e2fsck would, and those that differ in what starts are started from power-on.
// A state is a prefix of the writes; of the boot partition also without some of what was not flushed.
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import type { ByteRange } from '../../../appliance/block-map.js';
import { copyPartition, logOnDisk, partitionOf } from '../data-on-disk.js';
import { bootChoice, sharedClusters } from './boot-choice.js';
import { applyWrite, type RecordedWrite, touches } from './recorded-writes.js';
import { diskAfter, type Recording } from './recording.js';
import {
  copyDisk,
  releaseOf,
  type Setting,
  show,
  startCold,
  untilSettled,
  update,
} from './setting.js';

export type Cuts = { setting: Setting; recording: Recording; known: KnownChoices };
/** Digests of boot choices that have answered: the system before the update, and the one after it. */
type KnownChoices = { a: string; b: string };
/** How many writes were there, and how their boot partition starts. */
type State = { count: number; entry: string };

export async function findCuts(setting: Setting, recording: Recording): Promise<Cuts> {
  const { disk } = setting;
  const [before, after] = [recording.base, `${disk}-updated`];
  await diskAfter(recording, recording.writes.length, after);
  const [a, b] = [await digestOf(before, setting), await digestOf(after, setting)];
  await rm(after);
  return { setting, recording, known: { a, b } };
}

async function digestOf(disk: string, { folder }: Setting): Promise<string> {
  const efi = path.join(folder, 'efi-of-cut');
  await copyPartition(disk, 'hearth-efi', efi);
  return (await bootChoice(efi))?.digest ?? 'none';
}

/** Evenly over what an update writes; `boots` of them are started, and updated again. */
export async function cutsOfInstalling(
  cuts: Cuts,
  bundle: string,
  { offsets, boots }: { offsets: number; boots: number },
): Promise<void> {
  const { setting, recording } = cuts;
  const { check } = setting;
  await untouched(cuts);
  const counts = evenly(recording, offsets);
  let sound = 0;
  for (const [i, count] of counts.entries()) {
    await diskAfter(recording, count, setting.disk, counts[i - 1]);
    const reason = await unsoundness(cuts);
    if (reason === '') sound++;
    else check(false, `power cut ${i + 1}, after write ${count}: ${reason}`);
  }
  check(sound === offsets, `${sound} of ${offsets} power cuts: the old system starts, data whole`);
  await show(setting, bundle);
  for (let i = 0; i < boots; i++) {
    const at = Math.floor(((i + 0.5) * offsets) / boots);
    await endsWell(cuts, counts[at] as number, `power cut ${at + 1} of ${offsets}`);
  }
}

/** Of the bytes that are written between asking for an update and its end. */
function evenly({ writes, marks }: Recording, offsets: number): number[] {
  const during = writes.slice(marks.begun, marks.installed);
  const total = during.reduce((sum, write) => sum + sizeOf(write), 0);
  const counts: number[] = [];
  let bytes = 0;
  for (const [i, write] of during.entries()) {
    bytes += sizeOf(write);
    while (counts.length < offsets && bytes >= (total * (counts.length + 0.5)) / offsets)
      counts.push(marks.begun + i + 1);
  }
  return counts;
}

function sizeOf({ startBytes, endBytes }: RecordedWrite): number {
  return endBytes - startBytes;
}

/** What runs is not written to from beginning to end, nor what the device was told. */
async function untouched({ setting, recording }: Cuts): Promise<void> {
  const { writes, marks } = recording;
  const ranges = await Promise.all(
    ['settings', 'system-a', 'model-a'].map((name) => rangeOf(setting, name)),
  );
  const count = writes.slice(marks.begun).filter((write) => ranges.some((r) => touches(write, r)));
  setting.check(count.length === 0, `${count.length} writes to what runs, of ${writes.length}`);
}

async function rangeOf({ disk }: Setting, name: string): Promise<ByteRange> {
  const { startBytes, sizeBytes } = await partitionOf(disk, `hearth-${name}`);
  return { startBytes, endBytes: startBytes + sizeBytes };
}

/** Why a device with this disk would not answer as before; nothing where it does. */
async function unsoundness({ setting, known }: Cuts): Promise<string> {
  const { disk, folder } = setting;
  if ((await digestOf(disk, setting)) !== known.a) return 'the old system does not start';
  const { integrity } = await logOnDisk(disk, folder);
  return integrity === 'ok' ? '' : `the log: ${integrity}`;
}

async function endsWell({ setting, recording }: Cuts, count: number, what: string) {
  const { check } = setting;
  await diskAfter(recording, count, setting.disk);
  const machine = await startCold(setting);
  const runs = await releaseOf(machine, setting);
  await untilSettled(machine, setting);
  const again = (await update(machine, setting)).split('\n').at(-1) ?? '';
  await machine.cutPower();
  check(/is installed/.test(again), `${what}: ${runs} answers from power-on, then ${again}`);
}

/** While the boot choice is written: from one that starts A to one that starts B, and nothing between. */
export async function cutsOfChoosing(cuts: Cuts): Promise<void> {
  const { marks } = cuts.recording;
  const states = await checkStates(cuts, 'written', marks.begun, marks.installed);
  const chosen = states.find(({ entry }) => entry === 'hearth-b+3.conf');
  cuts.setting.check(chosen !== undefined, 'the update is chosen at its end');
  if (chosen) await answers(cuts, chosen.count, 'as the choice is written');
}

/** At the first start of the new system, and when it has answered and may not stay yet. */
export async function cutsOfStarting(cuts: Cuts): Promise<void> {
  const { marks } = cuts.recording;
  const states = await checkStates(cuts, 'tried and kept', marks.restarting, marks.settled);
  const blessed = states.find(({ entry }) => entry === 'hearth-b.conf');
  const tried = states.find(({ entry }) => entry.includes('+2'));
  cuts.setting.check(tried !== undefined && blessed !== undefined, 'it is tried, then kept');
  if (!tried || !blessed) return;
  await answers(cuts, (tried.count + blessed.count) >> 1, 'in the middle of its first start');
  await answers(cuts, blessed.count - 1, 'right before it may stay');
}

async function answers({ setting, recording }: Cuts, count: number, what: string) {
  await diskAfter(recording, count, setting.disk);
  const machine = await startCold(setting);
  const runs = await releaseOf(machine, setting);
  await untilSettled(machine, setting);
  await machine.cutPower();
  setting.check(true, `power cut ${what}: ${runs} answers at the next start, and stays`);
}

/** Of the boot partition after each write to it, and with each lost, or kept alone, of what was not flushed. */
async function checkStates(cuts: Cuts, what: string, from: number, to: number): Promise<State[]> {
  const { setting, known } = cuts;
  const states: State[] = [];
  const seen = { states: 0, a: 0, b: 0 };
  for await (const { efi, count, isPrefix } of efiStates(cuts, from, to)) {
    const choice = await bootChoice(efi);
    const shared = await sharedClusters(efi);
    const isWhole = choice !== null && choice.digest === known[choice.slot] && shared === '';
    if (!isWhole)
      setting.check(false, `${what}, write ${count}: ${choice?.entry ?? 'nothing'} ${shared}`);
    seen.states++;
    if (choice) seen[choice.slot]++;
    if (isPrefix) states.push({ count, entry: choice?.entry ?? '' });
  }
  const told = `${seen.a} start the old system, ${seen.b} the new one`;
  setting.check(seen.a + seen.b === seen.states, `${what}: of ${seen.states} states ${told}`);
  return states;
}

async function* efiStates({ setting, recording }: Cuts, from: number, to: number) {
  const { disk, folder } = setting;
  const range = await rangeOf(setting, 'efi');
  const efi = path.join(folder, 'efi-of-cut');
  const flushed = `${efi}-flushed`;
  await diskAfter(recording, from, disk);
  await copyPartition(disk, 'hearth-efi', efi);
  await copyDisk(efi, flushed);
  let waiting: RecordedWrite[] = [];
  for (const [i, write] of recording.writes.slice(from, to).entries()) {
    const count = from + i + 1;
    if (touches(write, range)) {
      await apply(efi, [write]);
      waiting.push(write);
      yield { efi, count, isPrefix: true };
    }
    if (!write.isFlush || waiting.length === 0) continue;
    for (const some of someOf(waiting)) {
      const lossy = `${efi}-lossy`;
      await copyDisk(flushed, lossy);
      await apply(lossy, some);
      yield { efi: lossy, count, isPrefix: false };
    }
    await copyDisk(efi, flushed);
    waiting = [];
  }

  async function apply(target: string, writes: readonly RecordedWrite[]) {
    await using record = await open(recording.file);
    await using file = await open(target, 'r+');
    for (const write of writes) await applyWrite(write, record, file, range);
  }
}

/** Each one left out, and each one alone. */
function someOf(writes: readonly RecordedWrite[]): RecordedWrite[][] {
  if (writes.length < 2) return [];
  return writes.flatMap((one) => [writes.filter((write) => write !== one), [one]]);
}
