// The behaviours of a careful tool, each on a real block device.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { FlashProgress } from '../../../appliance/flash/checked-image.js';
import { type FlashPlan, flash, planFlash } from '../../../appliance/flash/flash.js';
import type { SystemView } from '../../../appliance/flash/system-view.js';
import { SKIP_WITHOUT_LOOP } from '../../support/loop-device.js';
import { needs } from '../../support/needs.js';
import { addManifest, DISK_BYTES, isOld, isZero, MiB, setUp } from './flash-setup.js';
import { patternImage } from './pattern-image.js';

const skip = SKIP_WITHOUT_LOOP;

t.test('an image is on the disk to the byte, and both ends are wiped', { skip }, async (t) => {
  for (const sizeBytes of [DISK_BYTES, 9 * MiB + 512, 4 * MiB, 5000, 1]) {
    const { disk, imagePath, request } = setUp(t, sizeBytes);
    const { image, writeBytes, ejection } = await flash(request);
    const onDisk = readFileSync(disk.file);
    t.ok(onDisk.subarray(0, sizeBytes).equals(readFileSync(imagePath)), `${sizeBytes} bytes`);
    t.equal(onDisk.length, DISK_BYTES);
    if (sizeBytes < DISK_BYTES - MiB) t.ok(isZero(onDisk.subarray(-MiB)), 'the end is wiped');
    if (sizeBytes < MiB) t.ok(isZero(onDisk.subarray(sizeBytes, MiB)), 'the start is wiped');
    t.match({ image, writeBytes, ejection }, { image: { sizeBytes }, writeBytes: sizeBytes });
    t.equal(image.sha256, sha256(imagePath));
  }
});

t.test(
  'compressed images are unpacked on the way',
  { skip: skip || needs('zstd', 'xz') },
  async (t) => {
    for (const [suffix, words] of [
      ['zst', ['zstd', '-q', '-1']],
      ['xz', ['xz', '-0', '-k']],
    ] as const) {
      const { disk, imagePath, request } = setUp(t, 2 * MiB + 512);
      execFileSync(words[0], [...words.slice(1), imagePath]);
      await flash({ ...request, imagePath: `${imagePath}.${suffix}` });
      const image = readFileSync(imagePath);
      t.ok(readFileSync(disk.file).subarray(0, image.length).equals(image), suffix);
    }
  },
);

t.test('nothing is written before the user says so', { skip }, async (t) => {
  const { disk, request } = setUp(t, 5 * MiB);
  let asked: FlashPlan | undefined;
  const confirm = async (plan: FlashPlan) => {
    asked = plan;
    return false;
  };
  await t.rejects(flash({ ...request, confirm }), { name: 'FlashError', reason: 'not-confirmed' });
  t.match(asked, { target: { path: disk.path }, image: { sizeBytes: 5 * MiB } });
  await planFlash(request);
  t.ok(isOld(readFileSync(disk.file)));
});

t.test('the first block is written last, after all else was read back', { skip }, async (t) => {
  const { disk, request, imagePath } = setUp(t, 9 * MiB);
  const steps: string[] = [];
  let wasBootable = false;
  const onProgress = ({ step, bytesDone }: FlashProgress) => {
    if (steps.at(-1) !== step) steps.push(step);
    if (step !== 'check' && bytesDone > 0)
      wasBootable ||= !isZero(readFileSync(disk.file).subarray(0, MiB));
  };
  await flash({ ...request, onProgress });
  t.same(steps, ['check', 'write', 'verify']);
  t.notOk(wasBootable);
  t.ok(readFileSync(disk.file).subarray(0, MiB).equals(readFileSync(imagePath).subarray(0, MiB)));
});

t.test('an interrupted write leaves a disk that does not boot', { skip }, async (t) => {
  for (const step of ['write', 'verify']) {
    const { disk, request } = setUp(t, 9 * MiB);
    const stop = new AbortController();
    const onProgress = (progress: FlashProgress) => {
      if (progress.step === step && progress.bytesDone > 0) stop.abort();
    };
    await t.rejects(flash({ ...request, signal: stop.signal, onProgress }), { name: 'AbortError' });
    const onDisk = readFileSync(disk.file);
    t.ok(isZero(onDisk.subarray(0, MiB)), `${step}: no start`);
    t.ok(isZero(onDisk.subarray(-MiB)), `${step}: no second partition table`);
  }
});

t.test(
  'what is mounted from a removable disk is unmounted',
  { skip: skip || needs('mke2fs') },
  async (t) => {
    const { disk, request, imagePath } = setUp(t, 5 * MiB);
    execFileSync('mke2fs', ['-q', '-F', disk.path]);
    const mountPoint = mkdtempSync(path.join(tmpdir(), 'hearth mounted-'));
    t.teardown(() => {
      spawnSync('umount', [mountPoint]);
      rmSync(mountPoint, { recursive: true });
    });
    execFileSync('mount', [disk.path, mountPoint]);
    await t.rejects(flash(request), { name: 'FlashError', reason: 'mounted' });
    const view = asRemovable(t, disk.name);
    const { target } = await planFlash({ ...request, view });
    t.same(
      target.mounts.map((mount) => mount.mountPoint),
      [mountPoint],
    );
    await flash({ ...request, view });
    t.notMatch(readFileSync('/proc/self/mountinfo', 'utf8'), disk.path);
    t.ok(
      readFileSync(disk.file)
        .subarray(0, 5 * MiB)
        .equals(readFileSync(imagePath)),
    );
  },
);

t.test('nobody can mount the disk while it is written', { skip }, async (t) => {
  const { disk, request } = setUp(t, 5 * MiB);
  const tries: (number | null)[] = [];
  const onProgress = ({ step }: FlashProgress) => {
    if (step === 'write') tries.push(spawnSync('mount', [disk.path, '/mnt']).status);
  };
  await flash({ ...request, onProgress });
  t.ok(tries.length > 0 && tries.every((status) => status !== 0));
});

t.test('at the end the device is let go, unless it is to be kept', { skip }, async (t) => {
  const kept = setUp(t, MiB);
  const { ejection } = await flash({ ...kept.request, shouldEject: false });
  t.equal(ejection, null);
  t.equal(loopFile(kept.disk.name), kept.disk.file);
  const result = await flash(kept.request);
  t.same(result.ejection, { kind: 'ejected' });
  t.not(loopFile(kept.disk.name), kept.disk.file);
});

t.test('what the block map leaves out is neither written nor read back', { skip }, async (t) => {
  const { disk, request, imagePath } = setUp(t, 9 * MiB);
  const image = patternImage(9 * MiB).fill(0, 3 * MiB + 1, 7 * MiB + 5);
  writeFileSync(imagePath, image);
  const { image: listed } = await addManifest(imagePath, [
    { startBytes: 2 * MiB, endBytes: 6 * MiB },
  ]);
  const { writeBytes, image: checked } = await flash(request);
  t.equal(writeBytes, 7 * MiB, 'empty and free: the blocks from 4 to 6 MiB');
  t.equal(checked.sha256, listed.sha256);
  const onDisk = readFileSync(disk.file);
  t.ok(onDisk.subarray(0, 4 * MiB).equals(image.subarray(0, 4 * MiB)));
  t.ok(onDisk.subarray(6 * MiB, 9 * MiB).equals(image.subarray(6 * MiB)), 'zeros that count');
  const skipped = onDisk.subarray(4 * MiB + 16_384, 6 * MiB);
  t.ok(isOld(skipped));
});

/** This machine, but for one attribute of one disk. */
function asRemovable(t: Test, name: string): SystemView {
  const sysPath = t.testdir({ devices: { block: {} }, dev: { block: {} }, class: {} });
  const real = path.join('/sys/block', name);
  const disk = path.join(sysPath, 'devices/block', name);
  execFileSync('mkdir', [disk]);
  for (const entry of ['dev', 'size', 'ro', 'holders', 'slaves', 'diskseq', 'queue', 'loop'])
    if (existsSync(path.join(real, entry)))
      symlinkSync(path.join(real, entry), path.join(disk, entry));
  writeFileSync(path.join(disk, 'removable'), '1\n');
  const id = readFileSync(path.join(real, 'dev'), 'utf8').trim();
  symlinkSync(disk, path.join(sysPath, 'dev/block', id));
  symlinkSync('/sys/class/block', path.join(sysPath, 'class/block'));
  return { sysPath, procPath: '/proc' };
}

function loopFile(name: string): string | null {
  try {
    return readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8').trim();
  } catch {
    return null;
  }
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
