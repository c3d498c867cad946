import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { configFiles } from '../../../appliance/image/config-files.js';
import { earlyFiles } from '../../../appliance/image/early-files.js';
import { IMAGE_MACHINES } from '../../../appliance/image/image-machine.js';
import { loaderEntry, signedCommandLine } from '../../../appliance/image/loader-entry.js';
import { compatibleOf } from '../../../appliance/image/rauc-config.js';
import { packageRoot } from '../../support/samples.js';

const machine = IMAGE_MACHINES['x64-uefi'];
const inputs = {
  ...{ machine, compatible: 'hearth-x64-uefi', release: '1.4.2', unit: '[Unit]\n' },
  ...{ hasWifi: false, isSigned: false },
};

/** Text of the file, or the target of the link, at this path. */
function contentOf(path: string): string | undefined {
  const found = configFiles(inputs).find((entry) => entry.path === path);
  if (found?.kind === 'file') return found.text;
  return found?.kind === 'link' ? found.target : undefined;
}

t.test('nobody logs in with a password, by SSH or on a screen', (t) => {
  const sshd = contentOf('/etc/ssh/sshd_config.d/hearth.conf') ?? '';
  for (const line of [
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'AuthenticationMethods publickey',
  ])
    t.match(sshd, `${line}\n`);
  for (const unit of ['getty@.service', 'serial-getty@.service', 'console-getty.service'])
    t.equal(contentOf(`/etc/systemd/system/${unit}`), '/dev/null');
  t.match(
    contentOf('/etc/systemd/system/ssh.service.d/hearth.conf'),
    'ConditionPathExists=/run/hearth-settings/ssh-keys\n',
    'and by SSH only where the settings have keys',
  );
  t.end();
});

t.test('what a device is told is linked to, so that an update brings none of it', (t) => {
  for (const name of ['hostname', 'hosts', 'localtime'])
    t.equal(contentOf(`/etc/${name}`), `/run/hearth-settings/${name}`);
  t.match(contentOf('/etc/fstab'), '/run/hearth-disk/model /model squashfs ro,');
  t.end();
});

t.test(
  'RAUC knows the slots, and takes no bundle whose format is not checked as it streams',
  (t) => {
    const config = contentOf('/etc/rauc/system.conf') ?? '';
    t.match(config, '\ncompatible=hearth-x64-uefi\n');
    t.match(config, '\nbundle-formats=verity\n');
    t.match(config, '[slot.system.1]\ndevice=/run/hearth-disk/system-b\ntype=raw\nbootname=b\n');
    t.match(config, '[slot.model.1]\ndevice=/run/hearth-disk/model-b\ntype=raw\nparent=system.1\n');
    t.end();
  },
);

t.test('each slot starts itself, knows the other, and A comes first', (t) => {
  const slots = { a: 'aaaa', b: 'bbbb' };
  const [a, b] = (['a', 'b'] as const).map((slot) =>
    loaderEntry(slot, { slots, machine, verity: '0a:7' }),
  );
  t.match(
    a,
    /version 2\nlinux \/a\/vmlinuz\ninitrd \/a\/initrd\noptions root=PARTUUID=aaaa hearth\.other=bbbb /,
  );
  t.match(
    b,
    /version 1\nlinux \/b\/vmlinuz\ninitrd \/b\/initrd\noptions root=PARTUUID=bbbb hearth\.other=aaaa /,
  );
  t.end();
});

t.test('where the maker signs, an entry names one file and says nothing itself', (t) => {
  const entry = loaderEntry('b', {
    ...{ slots: { a: 'aaaa', b: 'bbbb' }, machine, verity: '0a:7', isSigned: true },
  });
  t.equal(entry, 'title hearth (slot b)\nsort-key hearth\nversion 1\nefi /b/hearth.efi\n');
  const line = signedCommandLine('0a:7', machine);
  t.match(line, /^root=\/run\/hearth-disk\/system .* hearth\.verity=0a:7 console=ttyS0,/);
  t.notMatch(line, /PARTUUID|hearth\.other/, 'and knows neither slot');
  t.equal(
    compatibleOf('x64-uefi', { hasWifi: true, isSigned: true }),
    'hearth-x64-uefi-wifi-signed',
  );
  t.end();
});

t.test("the shell finds no mistake in the device's scripts", (t) => {
  const root = path.join(packageRoot, 'appliance/image/root');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /^usr\/(bin|lib\/hearth)\/\w/.test(file),
  );
  const scripts = [
    ...files.map((file) => readFileSync(path.join(root, file), 'utf8')),
    ...[false, true]
      .flatMap((isSigned) => earlyFiles({ isSigned }))
      .flatMap(({ text }) => (text.startsWith('#!') ? text : [])),
  ];
  t.ok(scripts.length >= 5);
  for (const script of scripts) execFileSync('sh', ['-n'], { input: script });
  t.end();
});
