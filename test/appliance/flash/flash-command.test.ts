import type { ChildProcess } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { removableDevices } from '../../../appliance/flash/removable-devices.js';
import { type HearthOptions, hearth } from '../../support/hearth.js';
import { attachLoop, SKIP_WITHOUT_LOOP } from '../../support/loop-device.js';
import { fakeSystem } from './fake-system.js';
import { patternImage } from './pattern-image.js';

const MiB = 1 << 20;
const skip = SKIP_WITHOUT_LOOP;

t.test('the list has what can be pulled out and does not hold the system', async (t) => {
  const disks = [
    { name: 'sda', id: '250:0', partitions: [{ name: 'sda1', id: '250:1' }] },
    { name: 'sdb', id: '250:16', bus: 'usb', model: 'Ultra Fit', sizeBytes: 32e9 },
    { name: 'mmcblk0', id: '250:32', bus: 'mmc', type: 'SD', removable: false },
    { name: 'mmcblk1', id: '250:48', bus: 'mmc', type: 'MMC' },
    { name: 'sdc', id: '250:64', removable: true, sizeBytes: 0 },
    { name: 'sdd', id: '250:80', bus: 'usb', partitions: [{ name: 'sdd1', id: '250:81' }] },
  ];
  const view = fakeSystem(t.testdir(), disks, [
    { id: '250:1', at: '/' },
    { id: '250:81', at: '/boot' },
  ]);
  const listed = await removableDevices(view);
  t.match(listed, [
    { path: '/dev/sdb', sizeBytes: 32e9, model: 'Ultra Fit', contents: [] },
    { path: '/dev/mmcblk0' },
  ]);
  t.equal(listed.length, 2);
});

t.test('without a device it lists, and writes nothing', async (t) => {
  for (const words of [['flash'], ['flash', 'disk.img']]) {
    t.match(await hearth(words), { status: 0, stdout: /^(No removable device|Device)/ });
    const { stdout } = await hearth([...words, '--json']);
    t.type(JSON.parse(stdout).devices, Array);
  }
});

t.test('a dry run says what would be written where', { skip }, async (t) => {
  const { disk, image } = setUp(t);
  const run = await hearth(['flash', image, disk.path, '--dry-run']);
  t.match(run, {
    status: 0,
    stdout: new RegExp(`image .*, 3\\.1 MB\\n[^]*device +${disk.path}, 6`),
  });
  const { stdout } = await hearth(['flash', image, disk.path, '--dry-run', '--json']);
  t.match(JSON.parse(stdout), {
    device: disk.path,
    device_bytes: 6 * MiB,
    image_bytes: 3 * MiB,
    write_bytes: 3 * MiB,
    unmounts: [],
    has_manifest: false,
  });
  t.ok(readFileSync(disk.file).equals(Buffer.alloc(6 * MiB, 0xaa)));
});

t.test('the name has to be typed', { skip }, async (t) => {
  const { disk, image } = setUp(t);
  for (const answer of ['yes\n', '', `${disk.name}x\n`]) {
    const run = await hearth(['flash', image, disk.path], typing(answer));
    t.match(run, {
      status: 1,
      stdout: '',
      stderr: /Type loop\d+ to go on: .*nothing was written/s,
    });
  }
  t.ok(readFileSync(disk.file).equals(Buffer.alloc(6 * MiB, 0xaa)));
  const run = await hearth(['flash', image, disk.path, '--json'], typing(`${disk.name}\n`));
  t.match(run, { status: 0, stderr: /is ejected; take it out\n$/ });
  t.match(JSON.parse(run.stdout), { write_bytes: 3 * MiB, ejection: 'ejected' });
  t.ok(
    readFileSync(disk.file)
      .subarray(0, 3 * MiB)
      .equals(readFileSync(image)),
  );
});

t.test('--yes asks nothing, --no-eject keeps the device', { skip }, async (t) => {
  const { disk, image } = setUp(t);
  const run = await hearth(['flash', image, disk.path, '--yes', '--no-eject']);
  t.match(run, {
    status: 0,
    stderr: '',
    stdout: /holds .*: 3\.1 MB written in .*\/s\), read back/,
  });
});

t.test('Ctrl-C while it writes is said, and exits with 130', { skip }, async (t) => {
  const { disk, image } = setUp(t, 128 * MiB, 96 * MiB);
  const onStart = async (child: ChildProcess) => {
    while (startOf(disk.file).includes(0xaa) && child.exitCode === null) await setTimeout(10);
    child.kill('SIGINT');
  };
  const { status, stderr } = await hearth(['flash', image, disk.path, '--yes'], { onStart });
  t.equal(status, 130);
  t.match(stderr, /stopped; .* holds part of an image at most and does not boot/);
  t.ok(startOf(disk.file).equals(Buffer.alloc(MiB)));
});

t.test('wrong usage exits with 2, a wrong device with 1', async (t) => {
  t.match(await hearth(['flash', 'a', 'b', '--target', 'riscv']), { status: 2 });
  t.match(await hearth(['flash', 'a', 'b', '--key', '']), { status: 2 });
  t.match(await hearth(['flash', 'a', '/dev/null']), {
    status: 1,
    stderr: 'hearth: /dev/null is a character device, not a block device such as /dev/sdb\n',
  });
  t.match(await hearth(['flash', 'a', '/dev/x', '--key', '/dev/null']), { status: 1 });
});

function setUp(t: Test, diskBytes = 6 * MiB, imageBytes = 3 * MiB) {
  const folder = mkdtempSync(path.join(tmpdir(), 'hearth-flash-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const image = path.join(folder, 'disk.img');
  writeFileSync(image, patternImage(imageBytes));
  const file = path.join(folder, 'disk');
  writeFileSync(file, Buffer.alloc(diskBytes, 0xaa));
  return { image, disk: attachLoop(t, file) };
}

function typing(answer: string): HearthOptions {
  return { onStart: (child) => child.stdin?.end(answer) };
}

function startOf(file: string): Buffer {
  const handle = openSync(file, 'r');
  const start = Buffer.alloc(MiB);
  readSync(handle, start, 0, MiB, 0);
  closeSync(handle);
  return start;
}
