// RAUC's handler of the boot loader, on a folder in place of the boot partition: mounting and asking for
// a partition's UUID take root and a disk, so these two are stood in for. npm run test:update has both.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { IMAGE_MACHINES } from '../../../appliance/image/image-machine.js';
import {
  entryTemplate,
  loaderEntry,
  SLOTS,
  untriedEntryName,
} from '../../../appliance/image/loader-entry.js';
import { packageRoot } from '../../support/samples.js';

const machine = IMAGE_MACHINES['x64-uefi'];
const options = { slots: { a: 'uuid-of-a', b: 'uuid-of-b' }, verity: '0a:7', machine };
/** What its handler reads of a system whose files fill a block: where they end, and what follows them. */
const systemHead = Buffer.alloc(2 * 4096);
systemHead.writeBigUInt64LE(4000n, 40);
systemHead.write(`${'0b'.repeat(32)}:1\n`, 4096);
/** The same where the maker signed its kernel, which lies behind its hashes. */
const signedHead = Buffer.concat([systemHead, Buffer.alloc(2 * 4096)]);
signedHead.write(`${'0b'.repeat(32)}:1\nkernel 12288 15\n`, 4096);
signedHead.write('a signed kernel', 12288);

/** Whatever the handler runs that is a program of its own; a power cut may come before each. */
const PROGRAMS =
  'cmp cp dd flock fsck.fat head lsblk mkdir mount mv od rm sed sort sync tail tr umount'.split(
    ' ',
  );

/** A device as it was flashed, and the handler of it. */
function device(test: Pick<typeof t, 'testdir'>, { isSigned = false } = {}) {
  const root = test.testdir({ bin: {}, run: { 'hearth-disk': { slot: 'a\n' } } });
  const efi = path.join(root, 'run/hearth-efi');
  const entries = path.join(efi, 'loader/entries');
  mkdirSync(entries, { recursive: true });
  for (const slot of SLOTS)
    writeFileSync(
      path.join(entries, untriedEntryName(slot)),
      loaderEntry(slot, { ...options, isSigned }),
    );
  for (const slot of SLOTS)
    writeFileSync(
      path.join(root, `run/hearth-disk/system-${slot}`),
      isSigned ? signedHead : systemHead,
    );
  const system = path.join(root, 'run/hearth-slot/usr/lib/hearth');
  mkdirSync(path.join(system, 'boot-files'), { recursive: true });
  writeFileSync(path.join(system, 'loader-entry'), entryTemplate(machine, { isSigned }));
  for (const name of isSigned ? [] : ['vmlinuz', 'initrd'])
    writeFileSync(path.join(system, 'boot-files', name), `new ${name}`);
  const standIns: Record<string, string> = {
    mount: 'exit 0',
    umount: 'exit 0',
    // As of a boot partition with clusters that no file has.
    'fsck.fat': `touch ${efi}/FSCK0000.REC; exit 1`,
    lsblk: 'echo $3 | sed s/.*system-/uuid-of-/',
  };
  const ran = path.join(root, 'ran');
  for (const name of PROGRAMS) {
    const real = standIns[name] ?? `exec /usr/bin/${name} "$@"`;
    const script = `#!/bin/sh
echo ${name} "$@" >>${ran}
[ $(/usr/bin/wc -l <${ran}) -lt "\${CUT_AT:-1000}" ] || kill -9 0
${real}
`;
    writeFileSync(path.join(root, 'bin', name), script, { mode: 0o755 });
  }
  const text = readFileSync(
    path.join(packageRoot, 'appliance/image/root/usr/lib/hearth/boot'),
    'utf8',
  );
  const handler = path.join(root, 'boot');
  writeFileSync(handler, text.replaceAll('/run/', `${root}/run/`));
  const env = { ...process.env, PATH: `${root}/bin:${process.env['PATH']}` };
  return {
    efi,
    disk: path.join(root, 'run/hearth-disk'),
    entries: () => readdirSync(entries).sort(),
    entry: (name: string) => readFileSync(path.join(entries, name), 'utf8'),
    /** As systemd-boot counts a try. */
    rename: (from: string, to: string) =>
      renameSync(path.join(entries, from), path.join(entries, to)),
    ask: (...words: string[]) =>
      execFileSync('sh', [handler, ...words], { env, encoding: 'utf8' }).trim(),
    succeeds: (...words: string[]) => spawnSync('sh', [handler, ...words], { env }).status === 0,
    /** Whether it was cut off, which it is before the program of that number. */
    isCut: (cutAt: number | null, ...words: string[]) => {
      rmSync(ran, { force: true });
      const { signal } = spawnSync('setsid', ['sh', handler, ...words], {
        env: { ...env, ...(cutAt !== null && { CUT_AT: `${cutAt}` }) },
      });
      return signal === 'SIGKILL';
    },
    /** What the last one ran, without the folder that it is in. */
    ran: () => readFileSync(ran, 'utf8').replaceAll(`${root}/run/`, '').trim().split('\n'),
    isThere: (name: string) => existsSync(path.join(efi, name)),
  };
}

t.test('what a power cut left of a kernel takes no room from the next', (t) => {
  const { isCut, ran, isThere } = device(t);
  isCut(null, 'set-primary', 'b');
  const [repaired, mounted] = ['fsck.fat', 'mount'].map((name) =>
    ran().findIndex((line) => line.startsWith(`${name} `)),
  );
  t.equal(ran()[repaired as number], 'fsck.fat -a hearth-disk/efi');
  t.ok((repaired as number) < (mounted as number), 'before it is mounted');
  t.notOk(isThere('FSCK0000.REC'));
  isCut(null, 'get-primary');
  t.notMatch(ran().join('\n'), 'fsck', 'who asks only changes nothing');
  t.end();
});

t.test('a system that has answered is tried no more', (t) => {
  const { ask, succeeds, entries } = device(t);
  t.equal(ask('get-current'), 'a');
  t.equal(ask('get-primary'), 'a');
  t.ok(succeeds('is-untried', 'a'));
  ask('set-state', 'a', 'good');
  t.same(entries(), ['hearth-a.conf', 'hearth-b+3.conf']);
  t.notOk(succeeds('is-untried', 'a'));
  t.equal(ask('get-state', 'a'), 'good');
  t.notOk(succeeds('reboot'), 'and it does only what it knows');
  t.end();
});

t.test('an update is chosen, tried three times, and given up', (t) => {
  const { ask, entries, entry, rename, efi } = device(t);
  ask('set-state', 'a', 'good');
  ask('set-state', 'b', 'bad');
  t.same(entries(), ['hearth-a.conf'], 'while it is written, it cannot start');
  t.equal(ask('get-state', 'b'), 'bad');
  ask('set-primary', 'b');
  t.same(entries(), ['hearth-a.conf', 'hearth-b+3.conf']);
  const expected = loaderEntry('b', { ...options, verity: `${'0b'.repeat(32)}:1` });
  const newer = expected.replace('version 1', 'version 3');
  t.equal(entry('hearth-b+3.conf'), newer, 'newer than what runs, with hashes of its own');
  t.equal(readFileSync(path.join(efi, 'b/vmlinuz'), 'utf8'), 'new vmlinuz');
  t.notOk(existsSync(path.join(efi, 'a')), 'the files of what runs are not touched');
  t.equal(ask('get-primary'), 'b');
  rename('hearth-b+3.conf', 'hearth-b+2-1.conf');
  t.equal(ask('get-primary'), 'b');
  t.equal(ask('was-tried', 'b'), 'no');
  rename('hearth-b+2-1.conf', 'hearth-b+0-3.conf');
  t.equal(ask('get-state', 'b'), 'bad');
  t.equal(ask('get-primary'), 'a');
  t.equal(ask('was-tried', 'b'), 'yes');
  t.end();
});

t.test(
  'of a system that the maker signed, one file is brought, and only where it is another',
  (t) => {
    const { ask, entry, efi, disk, isCut, ran } = device(t, { isSigned: true });
    ask('set-state', 'a', 'good');
    ask('set-primary', 'b');
    const expected = loaderEntry('b', { ...options, isSigned: true });
    t.equal(entry('hearth-b+3.conf'), expected.replace('version 1', 'version 3'));
    t.same(readdirSync(path.join(efi, 'b')), ['hearth.efi']);
    t.equal(readFileSync(path.join(efi, 'b/hearth.efi'), 'utf8'), 'a signed kernel');
    t.notOk(isCut(null, 'set-primary', 'b'));
    t.notOk(ran().includes('rm -f hearth-efi/b/hearth.efi'), 'the same one stays');
    const next = Buffer.from(signedHead);
    next.write('A', 12288);
    writeFileSync(path.join(disk, 'system-b'), next);
    ask('set-primary', 'b');
    t.equal(readFileSync(path.join(efi, 'b/hearth.efi'), 'utf8'), 'A signed kernel');
    t.end();
  },
);

t.test('a system without hashes is not chosen', (t) => {
  const { succeeds, ask, disk } = device(t);
  ask('set-state', 'a', 'good');
  writeFileSync(path.join(disk, 'system-b'), Buffer.alloc(2 * 4096));
  t.notOk(succeeds('set-primary', 'b'));
  t.equal(ask('get-primary'), 'a');
  t.end();
});

t.test('back and forth, the newest choice counts', (t) => {
  const { ask, entries } = device(t);
  for (const slot of ['b', 'a', 'b', 'a']) {
    ask('set-primary', slot);
    ask('set-state', slot, 'good');
    t.equal(ask('get-primary'), slot);
  }
  t.same(entries(), ['hearth-a.conf', 'hearth-b.conf']);
  t.end();
});

t.test('what an entry names is on the disk before it, and it is before the end', (t) => {
  const { isCut, ran } = device(t);
  t.notOk(isCut(null, 'set-primary', 'b'));
  const changes = ran().filter((line) => /^(cp|mv|rm|sync) /.test(line));
  const flush = ['sync -f hearth-efi', 'sync hearth-efi/loader/entries'];
  const bring = (name: string) => [
    `rm -f hearth-efi/b/${name}`,
    `cp hearth-slot/usr/lib/hearth/boot-files/${name} hearth-efi/b/${name}`,
  ];
  const entries = 'hearth-efi/loader/entries';
  t.same(changes, [
    'rm -f hearth-efi/FSCK0000.REC',
    ...[`rm -f ${entries}/hearth-b+3.conf`, ...flush],
    ...[...bring('vmlinuz'), ...bring('initrd'), ...flush],
    ...[`mv ${entries}/entry.new ${entries}/hearth-b+3.conf`, ...flush],
  ]);
  t.end();
});

t.test('a power cut at any step leaves one that starts, and the next choice ends well', (t) =>
  powerCuts(t, { isSigned: false, every: 1 }),
);
t.test('so does one at every third step with a signed system', (t) =>
  powerCuts(t, { isSigned: true, every: 3 }),
);

function powerCuts(t: Test, { isSigned, every }: { isSigned: boolean; every: number }) {
  const files: Record<string, string> = isSigned
    ? { 'hearth.efi': 'a signed kernel' }
    : { vmlinuz: 'new vmlinuz', initrd: 'new initrd' };
  let cut = 0;
  for (; ; cut += every) {
    const it = device(t, { isSigned });
    it.ask('set-state', 'a', 'good');
    const isCut = it.isCut(cut + 1, 'set-primary', 'b');
    const chosen = it.ask('get-primary');
    // As slot B was flashed it is older than A; with a version of its own it is the new one.
    const isNew = it.entries().some((name) => /^hearth-b.*\.conf$/.test(name)) && chosen === 'b';
    const isWhole = Object.entries(files).every(
      ([name, text]) =>
        it.isThere(`b/${name}`) && readFileSync(path.join(it.efi, 'b', name), 'utf8') === text,
    );
    if (chosen !== 'a' && !(isNew && isWhole)) t.fail(`cut ${cut}: ${chosen} starts`);
    it.ask('set-primary', 'b');
    if (it.ask('get-primary') !== 'b' || it.entries().join() !== 'hearth-a.conf,hearth-b+3.conf')
      t.fail(`after cut ${cut}: ${it.entries()}`);
    if (!isCut) break;
  }
  t.ok(cut > 20, `${cut} steps`);
  t.end();
}
