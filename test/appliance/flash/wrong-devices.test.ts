// Every other device that must not be written: mounted, in use, no disk, too small, not what it was.
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import {
  addPartition,
  attachLoop,
  blankLoop,
  SKIP_WITHOUT_LOOP,
} from '../../support/loop-device.js';
import { needs } from '../../support/needs.js';
import {
  type Attempt,
  blank,
  compressedIn,
  DISK_BYTES,
  formatted,
  IMAGE_BYTES,
  imageIn,
  mount,
  mounted,
  node,
  refused,
  symlink,
} from './refused.js';

const skip = SKIP_WITHOUT_LOOP || needs('mke2fs', 'zstd');

const OTHERWISE_WRONG: Record<string, [reason: string, (t: Test, folder: string) => Attempt]> = {
  'a disk that is mounted': ['mounted', (t, folder) => ({ device: mounted(t, folder).path })],
  'a symlink to a disk that is mounted': [
    'mounted',
    (t, folder) => ({ device: symlink(mounted(t, folder).path, path.join(folder, 'link')) }),
  ],
  'a partition': [
    'partition',
    (t, folder) => ({
      device: addPartition(t, blankLoop(t, path.join(folder, 'disk'), DISK_BYTES), 1, [2048, 2048]),
    }),
  ],
  'a device smaller than the image': [
    'too-small',
    (t, folder) => ({ device: blankLoop(t, path.join(folder, 'disk'), IMAGE_BYTES - 512).path }),
  ],
  'a device smaller than what a compressed image turns out to be': [
    'too-small',
    (t, folder) => ({
      device: blankLoop(t, path.join(folder, 'disk'), IMAGE_BYTES - 512).path,
      image: compressedIn(folder),
    }),
  ],
  'a device that is read-only': [
    'read-only',
    (t, folder) => ({
      device: attachLoop(t, blank(path.join(folder, 'disk')), '--read-only').path,
    }),
  ],
  'a loop device over the image': [
    'in-use',
    (t, folder) => {
      return { device: attachLoop(t, imageIn(folder)).path };
    },
  ],
  'one of two loop devices over a file': [
    'in-use',
    (t, folder) => {
      const file = blank(path.join(folder, 'disk'));
      attachLoop(t, file);
      return { device: attachLoop(t, file).path };
    },
  ],
  'a loop device whose file is gone': [
    'in-use',
    (t, folder) => {
      const disk = blankLoop(t, path.join(folder, 'disk'), DISK_BYTES);
      execFileSync('rm', [disk.file]);
      return { device: disk.path };
    },
  ],
  'a device that a program holds': [
    'in-use',
    (t, folder) => {
      const disk = blankLoop(t, path.join(folder, 'disk'), DISK_BYTES);
      const handle = openSync(disk.path, constants.O_RDWR | constants.O_EXCL);
      t.teardown(() => closeSync(handle));
      return { device: disk.path, meanwhile: () => {} };
    },
  ],
  'a disk that is mounted while the user is asked': [
    'mounted',
    (t, folder) => {
      const disk = formatted(t, folder);
      return { device: disk.path, meanwhile: () => mount(t, disk) };
    },
  ],
  'a medium that is changed while the user is asked': [
    'changed',
    (t, folder) => {
      const disk = blankLoop(t, path.join(folder, 'disk'), DISK_BYTES);
      const other = blank(path.join(folder, 'other'));
      const meanwhile = () => {
        execFileSync('losetup', ['--detach', disk.path]);
        execFileSync('losetup', [disk.path, other]);
        t.teardown(() => spawnSync('losetup', ['--detach', disk.path]));
      };
      return { device: disk.path, meanwhile };
    },
  ],
  'a medium that is taken out while the user is asked': [
    'no-medium',
    (t, folder) => {
      const disk = blankLoop(t, path.join(folder, 'disk'), DISK_BYTES);
      return {
        device: disk.path,
        meanwhile: () => execFileSync('losetup', ['--detach', disk.path]),
      };
    },
  ],
  'a file': ['no-device', (_, folder) => ({ device: blank(path.join(folder, 'disk')) })],
  'a folder': ['no-device', (_, folder) => ({ device: folder })],
  'a character device': ['no-device', () => ({ device: '/dev/null' })],
  'nothing of that name': ['no-device', () => ({ device: '/dev/sdzz9' })],
  'a name without its folder': ['no-device', () => ({ device: 'loop0' })],
  'a symlink to nowhere': [
    'no-device',
    (_, folder) => ({ device: symlink('nowhere', path.join(folder, 'link')) }),
  ],
  'a node without a device': [
    'no-device',
    (_, folder) => ({ device: node(path.join(folder, 'node'), '250:200') }),
  ],
};

for (const [name, [reason, setUp]] of Object.entries(OTHERWISE_WRONG))
  t.test(name, { skip }, async (t) => {
    const folder = t.testdir();
    await refused(t, { ...setUp(t, folder), folder, reason });
  });
