// A system of which a block has changed on the disk is not run: the other slot's is, and where that has
// changed, too, nothing.
import { open } from 'node:fs/promises';
import { partitionOf } from '../data-on-disk.js';
import { untilShown } from '../device.js';
import { startMachine } from '../virtual-machine.js';
import {
  copyDisk,
  releaseOf,
  type Setting,
  settledDisk,
  startCold,
  startSettled,
  untilSettled,
} from './setting.js';

const REFUSED_MS = 10 * 60_000;
/** Where a squashfs says how long it is. */
const BYTES_USED_AT = 40;

export async function changedBlock(setting: Setting): Promise<void> {
  const { check, disk } = setting;
  await (await startSettled(setting)).cutPower();
  await copyDisk(settledDisk(disk), disk);
  await changeBlock(disk, 'system-a');
  const machine = await startCold(setting);
  const runs = await releaseOf(machine, setting);
  check(runs === '1.0 b', `a changed block in slot A: ${runs} answers from power-on`);
  await untilSettled(machine, setting);
  const notice = /should start has changed on the disk; the other one runs/;
  check(notice.test(await machine.console()), 'the screen says so');
  await machine.cutPower();
  await changeBlock(disk, 'system-b');
  const neither = await startMachine(disk, setting);
  const isRefused = await untilShown(neither, /neither system slot is what it was/, REFUSED_MS);
  check(isRefused, 'one in slot B, too: neither is run');
  await neither.cutPower();
}

/** A bit in the middle of its files. */
export async function changeBlock(disk: string, name: string): Promise<void> {
  const { startBytes } = await partitionOf(disk, `hearth-${name}`);
  await using file = await open(disk, 'r+');
  const bytes = Buffer.alloc(8);
  await file.read(bytes, 0, 8, startBytes + BYTES_USED_AT);
  const at = startBytes + Math.floor(Number(bytes.readBigUInt64LE()) / 2);
  await file.read(bytes, 0, 1, at);
  await file.write(Buffer.from([bytes.readUInt8() ^ 1]), 0, 1, at);
}
