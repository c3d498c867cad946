// What the initramfs of a signed system does, as shell on folders in place of a device: which slot it takes,
// and what it tells systemd-boot where that slot is damaged. npm run test:boot -- --own-keys has a device.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { earlyFiles } from '../../../appliance/image/early-files.js';

const LOADER = '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f';
const EFI = '11112222-3333-4444-5555-66667777aaaa';
const PARTITIONS = ['efi', 'settings', 'system-a', 'system-b', 'model-a', 'data'];
/** Names by which whoever can write to the disk might get at the initramfs. */
const FOREIGN = ['../../conf/param.conf', '../../conf/conf.d/x', 'slot', 'system', 'x'];

const script = earlyFiles({ isSigned: true }).find(({ path: file }) => /slot$/.test(file))
  ?.text as string;

/** As firmware's variables are files: attributes, then UTF-16. */
function variable(text: string): Buffer {
  return Buffer.concat([Buffer.from([7, 0, 0, 0]), Buffer.from(`${text}\0`, 'utf16le')]);
}

/** A device whose loader started this entry; `damaged` are slots that dm-verity cannot read. */
function started(test: Pick<Test, 'testdir'>, entry: string, damaged: string[] = []) {
  const root = test.testdir({
    bin: {},
    conf: {},
    dev: { disk: { 'by-partuuid': {} } },
    run: {},
    proc: { cmdline: `root=hearth hearth.verity=${'0a'.repeat(32)}:7 quiet\n` },
    sys: {
      ...{ class: { block: {}, tty: { console: { active: 'tty0\n' } } } },
      ...{ firmware: { efi: { efivars: {} } }, disk: {} },
    },
  });
  const at = (...names: string[]) => path.join(root, ...names);
  const variables = at('sys/firmware/efi/efivars');
  writeFileSync(path.join(variables, `LoaderEntrySelected-${LOADER}`), variable(entry));
  writeFileSync(
    path.join(variables, `LoaderDevicePartUUID-${LOADER}`),
    variable(EFI.toUpperCase()),
  );
  for (const [index, name] of [...PARTITIONS, ...FOREIGN].entries()) {
    const device = `vda${index + 1}`;
    mkdirSync(at('sys/disk', device));
    writeFileSync(
      at('sys/disk', device, 'uevent'),
      `DEVNAME=${device}\nPARTNAME=${FOREIGN.includes(name) ? '' : 'hearth-'}${name}\n`,
    );
    symlinkSync(at('sys/disk', device), at('sys/class/block', device));
    writeFileSync(at('dev', device), name.startsWith('model') ? 'hsqs' : '');
  }
  symlinkSync(at('dev/vda1'), at('dev/disk/by-partuuid', EFI));
  // What dm-verity makes of a damaged slot cannot be read.
  const dmsetup = `case $1 in
create) echo "$@" >>${at('asked')} ;;
info) case $(tail -n 1 ${at('asked')}) in ${damaged.map((slot) => `*${slot}*`).join('|') || 'none'}) echo none ;; *) echo vda1 ;; esac ;;
esac`;
  const programs = { dmsetup, reboot: `echo again >>${at('again')}; kill $PPID` };
  for (const name of ['modprobe', 'mount', 'chattr', 'sleep'])
    Object.assign(programs, { [name]: 'exit 0' });
  for (const [name, text] of Object.entries(programs))
    writeFileSync(at('bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const here = script.replace(/(?<![\w}.])\/(conf|dev|proc|run|sys)\/(?!null)/g, `${root}/$1/`);
  const env = { ...process.env, PATH: `${at('bin')}:${process.env['PATH']}` };
  const read = (name: string) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : null);
  return {
    run: () => spawnSync('sh', ['-s'], { input: here, env, encoding: 'utf8' }),
    read,
    linked: (name: string) => readlinkSync(at(name)),
    links: () => readdirSync(at('run/hearth-disk')).sort(),
    isLink: (name: string) => lstatSync(at(name)).isSymbolicLink(),
    screen: () => read('dev/tty0'),
    startsAgain: () => existsSync(at('again')),
    variables: () => readdirSync(variables).filter((name) => !/Selected|DevicePart/.test(name)),
    variable: (name: string) => readFileSync(path.join(variables, name)),
    set: (name: string, text: string) => writeFileSync(path.join(variables, name), variable(text)),
  };
}

const TRIED = 'HearthTriedOther-5caa55fb-2f43-4b57-8e38-02b53a56b9aa';

t.test('the slot is the one whose entry was started, on the disk of the loader', (t) => {
  for (const [entry, slot, device] of [
    ['hearth-a.conf', 'a', 'vda3'],
    ['hearth-b+2-1.conf', 'b', 'vda4'],
  ] as const) {
    const it = started(t, entry);
    const { stderr } = it.run();
    t.equal(stderr, '');
    t.equal(it.read('run/hearth-disk/slot'), `${slot}\n`);
    t.equal(it.linked('run/hearth-disk/system'), `system-${slot}`, 'as RAUC finds it');
    t.match(it.read('asked'), `hearth-${device} `);
    t.match(it.read('asked'), ` sha256 ${'0a'.repeat(32)} -`);
    t.match(it.read('conf/param.conf'), /^ROOT=.*\n$/);
    t.same(it.links(), [...PARTITIONS, 'model', 'slot', 'system'].sort(), 'and no others');
    t.notOk(it.isLink('conf/param.conf'));
    t.same(it.variables(), []);
    t.notOk(it.startsAgain());
  }
  t.end();
});

t.test('a damaged slot is not gone on from: the loader is told to start the other', (t) => {
  const it = started(t, 'hearth-a.conf', ['vda3']);
  it.run();
  t.ok(it.startsAgain());
  t.match(it.screen(), /this system slot is damaged; trying the other/);
  t.equal(it.read('conf/param.conf'), null);
  t.same(it.variables().sort(), [TRIED, `LoaderEntryOneShot-${LOADER}`]);
  t.same(it.variable(`LoaderEntryOneShot-${LOADER}`), variable('hearth-b*'));
  t.same(it.variable(TRIED), variable('a'));
  t.end();
});

t.test('the other one says why it runs, once', (t) => {
  const it = started(t, 'hearth-b+2-1.conf');
  it.set(TRIED, 'a');
  it.run();
  t.match(
    it.read('run/hearth-notices'),
    /should start has changed on the disk; the other one runs/,
  );
  t.same(it.variables(), []);
  const repaired = started(t, 'hearth-a.conf');
  repaired.set(TRIED, 'a');
  repaired.run();
  t.equal(repaired.read('run/hearth-notices'), null, 'the power went before it was tried');
  t.same(repaired.variables(), []);
  t.end();
});

t.test('where both are damaged, none is run', (t) => {
  const it = started(t, 'hearth-b.conf', ['vda4']);
  it.set(TRIED, 'a');
  it.run();
  t.ok(it.startsAgain());
  t.match(it.screen(), /neither system slot is what it was/);
  t.same(it.variables(), [], 'and the next start begins anew');
  t.end();
});
