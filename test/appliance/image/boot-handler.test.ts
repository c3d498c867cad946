// RAUC's handler of the boot loader, on a folder in place of the boot partition: mounting and asking for
// a partition's UUID take root and a disk, so these two are stood in for. npm run test:update has both.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { IMAGE_MACHINES } from '../../../appliance/image/image-machine.js';
import {
  entryTemplate,
  loaderEntry,
  SLOTS,
  untriedEntryName,
} from '../../../appliance/image/loader-entry.js';
import { packageRoot } from '../../support/samples.js';

const machine = IMAGE_MACHINES['x64-uefi'];
const slots = { a: 'uuid-of-a', b: 'uuid-of-b' };

/** A device as it was flashed, and the handler of it. */
function device(test: Pick<typeof t, 'testdir'>) {
  const root = test.testdir({ bin: {}, run: { 'hearth-disk': { slot: 'a\n' } } });
  const efi = path.join(root, 'run/hearth-efi');
  const entries = path.join(efi, 'loader/entries');
  mkdirSync(entries, { recursive: true });
  for (const slot of SLOTS)
    writeFileSync(path.join(entries, untriedEntryName(slot)), loaderEntry(slot, slots, machine));
  const system = path.join(root, 'run/hearth-slot/usr/lib/hearth');
  mkdirSync(path.join(system, 'boot-files'), { recursive: true });
  writeFileSync(path.join(system, 'loader-entry'), entryTemplate(machine));
  for (const name of ['vmlinuz', 'initrd'])
    writeFileSync(path.join(system, 'boot-files', name), `new ${name}`);
  const standIns = {
    mount: 'exit 0',
    umount: 'exit 0',
    lsblk: 'echo $3 | sed s/.*system-/uuid-of-/',
  };
  for (const [name, line] of Object.entries(standIns))
    writeFileSync(path.join(root, 'bin', name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  const text = readFileSync(
    path.join(packageRoot, 'appliance/image/root/usr/lib/hearth/boot'),
    'utf8',
  );
  const handler = path.join(root, 'boot');
  writeFileSync(handler, text.replaceAll('/run/', `${root}/run/`));
  const env = { ...process.env, PATH: `${root}/bin:${process.env['PATH']}` };
  return {
    efi,
    entries: () => readdirSync(entries).sort(),
    entry: (name: string) => readFileSync(path.join(entries, name), 'utf8'),
    /** As systemd-boot counts a try. */
    rename: (from: string, to: string) =>
      renameSync(path.join(entries, from), path.join(entries, to)),
    ask: (...words: string[]) =>
      execFileSync('sh', [handler, ...words], { env, encoding: 'utf8' }).trim(),
    succeeds: (...words: string[]) => spawnSync('sh', [handler, ...words], { env }).status === 0,
  };
}

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
  const expected = loaderEntry('b', slots, machine).replace('version 1', 'version 3');
  t.equal(entry('hearth-b+3.conf'), expected, 'newer than what runs');
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
