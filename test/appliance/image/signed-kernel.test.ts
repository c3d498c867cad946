// Kernel, initramfs and command line in one file, read by binutils and checked by sbverify as firmware does.
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { withSections } from '../../../appliance/image/efi-program.js';
import { IMAGE_MACHINES } from '../../../appliance/image/image-machine.js';
import { signedKernel } from '../../../appliance/image/signed-kernel.js';
import { makeUpdateKeys, UPDATE_KEYS } from '../../../appliance/update/update-keys.js';
import { skipFileWithout } from '../../support/needs.js';
import { systemdStub } from './systemd-stub.js';

skipFileWithout('openssl', 'sbsign', 'sbverify', 'objcopy', 'systemd-stub');

const folder = t.testdir({ vmlinuz: randomBytes(100_001), initrd: randomBytes(70_003) });
const at = (...names: string[]) => path.join(folder, ...names);
for (const name of ['keys', 'others'])
  await makeUpdateKeys({ folder: at(name), name: 'Test', days: 30 });
const kernel = await signedKernel({
  base: {
    ...{ stub: systemdStub, kernel: at('vmlinuz'), initrd: at('initrd') },
    ...{ archive: '', loader: '', shim: null, packages: [] },
  },
  ...{ machine: IMAGE_MACHINES['x64-uefi'], release: '1.4.2', verity: '0a:7', folder },
  bootSigner: { key: at('keys', UPDATE_KEYS.bootKey), cert: at('keys', UPDATE_KEYS.bootCert) },
});

function isValid(file: string, keys = 'keys'): boolean {
  const cert = at(keys, UPDATE_KEYS.bootCert);
  return spawnSync('sbverify', ['--cert', cert, file]).status === 0;
}

function contentOf(section: string): Buffer {
  const words = ['-O', 'binary', `--only-section=${section}`, kernel, at('section')];
  execFileSync('objcopy', words);
  return readFileSync(at('section'));
}

t.test('what it is made of can be read back', (t) => {
  t.ok(contentOf('.linux').equals(readFileSync(at('vmlinuz'))));
  t.ok(contentOf('.initrd').equals(readFileSync(at('initrd'))));
  t.match(
    `${contentOf('.cmdline')}`,
    /^root=\/run\/hearth-disk\/system .*hearth\.verity=0a:7 .*panic=10/,
  );
  t.match(`${contentOf('.osrel')}`, 'VERSION_ID=1.4.2\n');
  t.end();
});

t.test('no section lies upon another, in the file or in memory', (t) => {
  const told = execFileSync('objdump', ['-h', kernel], { encoding: 'utf8' });
  const lines = [...told.matchAll(/^ +\d+ (\S+) +(\w+) +(\w+) +\w+ +(\w+) /gm)];
  const sections = lines.map(([, name, ...numbers]) => {
    const [size, memory, file] = numbers.map((hex) => Number.parseInt(hex, 16));
    return { name, size, memory, file } as Record<'size' | 'memory' | 'file', number>;
  });
  t.ok(sections.length > 6);
  for (const place of ['memory', 'file'] as const) {
    sections.sort((x, y) => x[place] - y[place]);
    for (const [i, { size, [place]: begin }] of sections.slice(0, -1).entries())
      t.ok(begin + size <= (sections[i + 1]?.[place] as number), `${place} ${i}`);
  }
  t.end();
});

t.test('the signature is of its key and of every byte', (t) => {
  t.ok(isValid(kernel));
  t.notOk(isValid(kernel, 'others'));
  const bytes = readFileSync(kernel);
  const commandLine = bytes.indexOf('hearth.verity=');
  for (const place of [commandLine, bytes.indexOf(readFileSync(at('initrd'))) + 9]) {
    const changed = Buffer.from(bytes);
    changed[place] = (changed[place] as number) ^ 1;
    writeFileSync(at('changed.efi'), changed);
    t.notOk(isValid(at('changed.efi')), `byte ${place}`);
  }
  t.end();
});

t.test('what is no EFI program, or a part of one, is refused', (t) => {
  const stub = readFileSync(systemdStub);
  const section = { name: '.linux', content: Buffer.from('kernel') };
  const refused = (program: Buffer, message: RegExp) =>
    t.throws(() => withSections(program, [section]), { code: 'HEARTH_IMAGE', message });
  refused(readFileSync(process.execPath).subarray(0, 4096), /has no MZ/);
  refused(stub.subarray(0, 200), /ends within its headers/);
  refused(stub.subarray(0, 4096), /ends within its sections/);
  const other = Buffer.from(stub);
  other.writeUInt32LE(0xffff_fff0, 0x3c);
  refused(other, /ends within its headers/);
  const many = Array.from({ length: 400 }, () => section);
  t.throws(() => withSections(stub, many), /has no room for 400 more sections/);
  t.end();
});
