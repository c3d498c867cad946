import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { type FlashRequest, flash } from '../../../appliance/flash/flash.js';
import { type DiskFault, faultyDisk, HAS_FUSE } from '../../support/fuse-disk.js';
import { SKIP_WITHOUT_LOOP } from '../../support/loop-device.js';
import { patternImage } from './pattern-image.js';

const MiB = 1 << 20;
const SIZE = 32 * MiB;
const skip = SKIP_WITHOUT_LOOP || (!HAS_FUSE && 'needs /dev/fuse');

type Case = {
  name: string;
  fault: DiskFault;
  reason: string;
  message: RegExp;
  /** Of the image; less than the disk where the fault lies beyond it. */
  imageBytes?: number;
};

const CASES: Case[] = [
  {
    name: 'a card that writes beyond its real size over its start',
    fault: { kind: 'wraps', realBytes: 8 * MiB },
    reason: 'false-size',
    message: /says that it holds 33\.6 MB, but does not keep what is written at 8\.4 MB/,
    imageBytes: 4 * MiB,
  },
  {
    name: 'a card that drops what is beyond its real size',
    fault: { kind: 'drops', realBytes: 20 * MiB },
    reason: 'false-size',
    message: /does not keep what is written at 33\.6 MB/,
    imageBytes: 4 * MiB,
  },
  {
    name: 'a bit that is read wrongly in the middle',
    fault: { kind: 'flips', atBytes: 9 * MiB + 4097 },
    reason: 'wrong-data',
    message: /what was read back from 0 B to 21\.0 MB is not what was written/,
  },
  {
    name: 'a bit that is read wrongly in the first block',
    fault: { kind: 'flips', atBytes: 600 },
    reason: 'false-size',
    message: /does not keep what is written at 0 B/,
  },
  {
    name: 'a card that is pulled out while it is written',
    fault: { kind: 'vanishes', afterBytes: 12 * MiB },
    reason: 'device-failed',
    message: /(writing|flushing)( at [\d.]+ MB)? failed \(EIO\); it was pulled out or is broken/,
  },
  {
    name: 'a card that is pulled out while it is probed',
    fault: { kind: 'vanishes', afterBytes: 10_000 },
    reason: 'device-failed',
    message: /failed \(EIO\)/,
  },
];

for (const { name, fault, reason, message, imageBytes = 20 * MiB } of CASES)
  t.test(`${name} is reported, and does not boot`, { skip }, async (t) => {
    const disk = await faultyDisk(t, SIZE, fault);
    await t.rejects(flash(request(t, disk.path, imageBytes)), { reason, message });
    t.ok(startOf(disk.backingFile).equals(Buffer.alloc(512)), 'no boot sector');
  });

t.test('the same disk without a fault is written', { skip }, async (t) => {
  const disk = await faultyDisk(t, SIZE, { kind: 'none' });
  const { imagePath, ...rest } = request(t, disk.path, 20 * MiB);
  await flash({ imagePath, ...rest });
  const image = readFileSync(imagePath);
  t.ok(readFileSync(disk.backingFile).subarray(0, image.length).equals(image));
});

function request(t: Test, deviceName: string, imageBytes: number): FlashRequest {
  const imagePath = path.join(t.testdir(), 'disk.img');
  writeFileSync(imagePath, patternImage(imageBytes));
  return { imagePath, deviceName, confirm: async () => true };
}

function startOf(file: string): Buffer {
  const handle = openSync(file, 'r');
  const start = Buffer.alloc(512);
  readSync(handle, start, 0, 512, 0);
  closeSync(handle);
  return start;
}
