// The system slot from an archive of Debian: the same inputs give the same bytes, and files belong to root.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { IMAGE_MACHINES } from '../../../appliance/image/image-machine.js';
import { systemSlot } from '../../../appliance/image/system-slot.js';
import { needs } from '../../support/needs.js';

const EPOCH = 1_700_000_000;
const skip = needs('mksquashfs', 'unsquashfs', 'veritysetup', 'zstd');

t.test('two builds have the same bytes', { skip }, async (t) => {
  const folder = t.testdir({
    debian: { etc: { 'os-release': 'ID=debian\n' } },
    addon: 'native',
    boot: 'kernel or initramfs',
    first: {},
    second: {},
  });
  const archive = path.join(folder, 'base.tar.zst');
  execFileSync('tar', ['-C', path.join(folder, 'debian'), '--zstd', '-cf', archive, '.']);
  const source = path.join(folder, 'addon');
  const boot = path.join(folder, 'boot');
  const addon = { path: 'lib/addon.node', source, mode: 0o644, sizeBytes: 6 } as const;
  const build = (name: string) =>
    systemSlot({
      ...{ target: 'x64-uefi', machine: IMAGE_MACHINES['x64-uefi'], hasWifi: false },
      base: { archive, kernel: boot, initrd: boot, shim: '', loader: '', packages: [] },
      hearth: { target: 'linux-x64', files: [addon], packages: [] },
      release: '1.4.2',
      epoch: EPOCH,
      folder: path.join(folder, name),
    });
  const first = await build('first');
  // What is dated with now is dated otherwise then.
  await sleep(1100);
  t.ok(readFileSync(first).equals(readFileSync(await build('second'))));

  const listed = execFileSync('unsquashfs', ['-lls', '-UTC', first], { encoding: 'utf8' });
  t.match(listed, /^-rw-r--r-- root\/root +6 2023-11-14 22:13 .*\/usr\/lib\/hearth\/release$/m);
  t.match(listed, /^-rw-r--r-- root\/root +19 .*\/usr\/lib\/hearth\/boot-files\/vmlinuz$/m);
  t.match(listed, /^-rwxr-xr-x root\/root .*\/usr\/lib\/hearth\/boot$/m);
  t.match(listed, /\/etc\/hostname -> \/run\/hearth-settings\/hostname$/m);
  t.match(listed, /^-rw-r--r-- root\/root +6 2023-11-14 22:13 .*\/lib\/addon\.node$/m);
  t.match(listed, /\/etc\/os-release$/m);
});
