// The system slot from an archive of Debian: the same inputs give the same bytes, files belong to root,
// and another release leaves the blocks of what it did not change as they were.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { IMAGE_MACHINES } from '../../../appliance/image/image-machine.js';
import { systemSlot } from '../../../appliance/image/system-slot.js';
import { changedBytes } from '../../support/changed-bytes.js';
import { needs } from '../../support/needs.js';
import { writeTree } from '../pack/small-hearth.js';

const EPOCH = 1_700_000_000;
const skip = needs('mksquashfs', 'unsquashfs', 'veritysetup', 'zstd');

t.test('two builds have the same bytes', { skip }, async (t) => {
  const build = builderIn(t);
  const hearth = { 'lib/addon.node': 'native' };
  const first = await build('first', '1.4.2', hearth);
  // What is dated with now is dated otherwise then.
  await sleep(1100);
  t.ok(readFileSync(first).equals(readFileSync(await build('second', '1.4.2', hearth))));

  const listed = execFileSync('unsquashfs', ['-lls', '-UTC', first], { encoding: 'utf8' });
  t.match(listed, /^-rw-r--r-- root\/root +6 2023-11-14 22:13 .*\/usr\/lib\/hearth\/release$/m);
  t.match(listed, /^-rw-r--r-- root\/root +19 .*\/usr\/lib\/hearth\/boot-files\/vmlinuz$/m);
  t.match(listed, /^-rwxr-xr-x root\/root .*\/usr\/lib\/hearth\/boot$/m);
  t.match(listed, /\/etc\/hostname -> \/run\/hearth-settings\/hostname$/m);
  t.match(listed, /^-rw-r--r-- root\/root +6 2023-11-14 22:13 .*\/lib\/addon\.node$/m);
  t.match(listed, /\/etc\/os-release$/m);
});

t.test('another hearth moves no block of what it depends on', { skip }, async (t) => {
  const dependencies = {
    'bin/node': randomBytes(1 << 20),
    'node_modules/llama/llama.node': randomBytes(1 << 20),
  };
  const build = builderIn(t);
  const code = randomBytes(1 << 17).toString('hex');
  const old = await build('old', '1.0', { ...dependencies, 'dist/cli.js': code });
  const next = await build('next', '1.1', { ...dependencies, 'dist/cli.js': `// next\n${code}` });
  const [changed, kept] = [await changedBytes(old, next), 1 << 21];
  t.ok(changed < kept / 8, `${changed} bytes`);
});

/** Makes slots of Debian with a hearth of these files. */
function builderIn(t: Test) {
  const folder = t.testdir({
    debian: { etc: { 'os-release': 'ID=debian\n' } },
    boot: 'kernel or initramfs',
  });
  const archive = path.join(folder, 'base.tar.zst');
  execFileSync('tar', ['-C', path.join(folder, 'debian'), '--zstd', '-cf', archive, '.']);
  const boot = path.join(folder, 'boot');
  return async (name: string, release: string, hearth: Record<string, string | Buffer>) => {
    const root = path.join(folder, name);
    writeTree(root, hearth);
    const files = Object.entries(hearth).map(([file, content]) => {
      const source = path.join(root, file);
      return { path: file, source, mode: 0o644, sizeBytes: content.length } as const;
    });
    const { path: slot } = await systemSlot({
      ...{ target: 'x64-uefi', machine: IMAGE_MACHINES['x64-uefi'], hasWifi: false },
      base: { archive, kernel: boot, initrd: boot, shim: '', loader: '', stub: null, packages: [] },
      hearth: { target: 'linux-x64', files, packages: [] },
      ...{ release, epoch: EPOCH, folder: root, bootSigner: null },
    });
    return slot;
  };
}
