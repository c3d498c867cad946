// The system slot from an archive of Debian: the same inputs give the same bytes, files belong to root,
// and another release leaves the blocks of what it did not change as they were.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { BootSigner } from '../../../appliance/image/boot-signer.js';
import { IMAGE_MACHINES } from '../../../appliance/image/image-machine.js';
import { systemSlot } from '../../../appliance/image/system-slot.js';
import { readVerity } from '../../../appliance/image/verity.js';
import { makeUpdateKeys, UPDATE_KEYS } from '../../../appliance/update/update-keys.js';
import { changedBytes } from '../../support/changed-bytes.js';
import { needs } from '../../support/needs.js';
import { writeTree } from '../pack/small-hearth.js';
import { systemdStub } from './systemd-stub.js';

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

t.test(
  'a system whose kernel the maker signs has it behind its files alone',
  { skip: skip || needs('openssl', 'sbsign', 'sbverify', 'systemd-stub') },
  async (t) => {
    const at = (file: string) => path.join(t.testdirName, 'keys', file);
    const { bootKey, bootCert } = UPDATE_KEYS;
    const build = builderIn(t, { key: at(bootKey), cert: at(bootCert) });
    await makeUpdateKeys({ folder: at('.'), name: 'Test', days: 30 });
    const slot = await build('signed', '1.0', { 'bin/node': 'node' });
    const listed = execFileSync('unsquashfs', ['-ll', slot], { encoding: 'utf8' });
    t.notMatch(listed, /boot-files/);
    const [root = '', blocks = ''] = (await readVerity(slot)).split(':');
    const content = readFileSync(slot);
    const told = content.toString('latin1', Number(blocks) * 4096, (Number(blocks) + 1) * 4096);
    const [, begins, bytes] = /\nkernel (\d+) (\d+)\n/.exec(told) ?? [];
    const kernel = content.subarray(Number(begins), Number(begins) + Number(bytes));
    t.ok(kernel.includes(`hearth.verity=${root}:${blocks} `), 'which has the hash of the system');
    writeFileSync(at('kernel.efi'), kernel);
    execFileSync('sbverify', ['--cert', at(bootCert), at('kernel.efi')], { stdio: 'ignore' });
  },
);

/** Makes slots of Debian with a hearth of these files. */
function builderIn(t: Test, bootSigner: BootSigner | null = null) {
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
      base: {
        archive,
        kernel: boot,
        initrd: boot,
        shim: '',
        loader: '',
        stub: systemdStub,
        packages: [],
      },
      hearth: { target: 'linux-x64', files, packages: [] },
      ...{ release, epoch: EPOCH, folder: root, bootSigner },
    });
    return slot;
  };
}
