import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { loaderEntry } from '../../../appliance/image/boot-partition.js';
import { type ConfigInputs, configFiles } from '../../../appliance/image/config-files.js';
import { earlyFiles } from '../../../appliance/image/initramfs.js';
import { packageRoot } from '../../support/samples.js';

const uuids = { model: '1-model', data: '2-data', damaged: '3-damaged' };
const settings = {
  ...{ hostname: 'kitchen', timezone: 'Europe/Berlin', port: 8080 },
  ...{ sshKeys: [], apiKeys: [], wifi: null },
};
const inputs: ConfigInputs = {
  ...{ settings, uuids, unit: '[Unit]\n', modelName: 'a model' },
};

/** Text of the file, or the target of the link, at this path. */
function contentOf(path: string, changed: Partial<ConfigInputs> = {}): string | undefined {
  const found = configFiles({ ...inputs, ...changed }).find((entry) => entry.path === path);
  if (found?.kind === 'file') return found.text;
  return found?.kind === 'link' ? found.target : undefined;
}

t.test('a hostile network name stays a name, and its key is the one of IEEE 802.11i', (t) => {
  const wifiOf = (ssid: string, passphrase: string | null) =>
    contentOf('/etc/hearth/wifi.conf', { settings: { ...settings, wifi: { ssid, passphrase } } }) ??
    '';
  // Annex H.4.1 of IEEE 802.11i-2004.
  t.match(
    wifiOf('IEEE', 'password'),
    'psk=f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e\n',
  );
  const ssid = 'a"\n}\nnetwork={\nkey_mgmt=NONE';
  const passphrase = '"\\;$(reboot)`id`';
  const text = wifiOf(ssid, passphrase);
  t.match(text, /^network=\{\n(\t[a-z0-9_]+=[A-Za-z0-9 -]+\n)+\}\n$/);
  t.equal(Buffer.from(/ssid=(\w+)/.exec(text)?.[1] ?? '', 'hex').toString(), ssid);
  t.equal(Buffer.from(/sae_password=(\w+)/.exec(text)?.[1] ?? '', 'hex').toString(), passphrase);
  t.match(wifiOf('open', null), /key_mgmt=NONE/);
  t.end();
});

t.test('secrets are read by root alone, and are there only if they were given', (t) => {
  const secret = {
    ...settings,
    ...{
      apiKeys: ['k'],
      wifi: { ssid: 'x', passphrase: 'correct horse' },
      sshKeys: ['ssh-ed25519 A'],
    },
  };
  const files = configFiles({ ...inputs, settings: secret });
  for (const path of ['/etc/hearth/keys', '/etc/hearth/wifi.conf'])
    t.match(
      files.find((entry) => entry.path === path),
      { mode: 0o600 },
      path,
    );
  const paths = configFiles(inputs).map((entry) => entry.path);
  t.notOk(paths.some((path) => /keys|wifi|ssh/.test(path.replace('ssh.socket', ''))));
  t.end();
});

t.test('nobody logs in with a password, by SSH or on a screen', (t) => {
  const withSsh = { settings: { ...settings, sshKeys: ['ssh-ed25519 AAAA me'] } };
  const sshd = contentOf('/etc/ssh/sshd_config.d/hearth.conf', withSsh) ?? '';
  for (const line of [
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'AuthenticationMethods publickey',
  ])
    t.match(sshd, `${line}\n`);
  for (const unit of ['getty@.service', 'serial-getty@.service', 'console-getty.service'])
    t.equal(contentOf(`/etc/systemd/system/${unit}`), '/dev/null');
  t.end();
});

t.test('a name of a model with newlines and escape codes is one harmless line', (t) => {
  const modelName = '\u001b[2Ja\n"$(reboot)"';
  t.equal(contentOf('/usr/lib/hearth/model-name', { modelName }), '\\u001b[2Ja "$(reboot)"\n');
  t.end();
});

t.test('what scripts read is plain assignments, and the disk is named by its UUIDs', (t) => {
  for (const path of ['/usr/lib/hearth/device', '/usr/lib/hearth/disk'])
    t.match(contentOf(path), /^([A-Z_]+=[A-Za-z0-9-]+\n)+$/);
  t.match(contentOf('/etc/fstab'), 'PARTUUID=1-model /model squashfs ro,');
  t.equal(contentOf('/etc/localtime'), '/usr/share/zoneinfo/Europe/Berlin');
  t.match(
    contentOf('/etc/sysctl.d/61-hearth-port.conf', { settings: { ...settings, port: 80 } }),
    /=80\n/,
  );
  t.equal(contentOf('/etc/sysctl.d/61-hearth-port.conf'), undefined);
  t.end();
});

t.test('each slot starts itself and knows the other', (t) => {
  const slots = { a: 'aaaa', b: 'bbbb' };
  const [a, b] = (['a', 'b'] as const).map((slot) => loaderEntry(slot, slots, { serial: 'ttyS0' }));
  t.match(
    a,
    /linux \/a\/vmlinuz\ninitrd \/a\/initrd\noptions root=PARTUUID=aaaa hearth\.other=bbbb /,
  );
  t.match(
    b,
    /linux \/b\/vmlinuz\ninitrd \/b\/initrd\noptions root=PARTUUID=bbbb hearth\.other=aaaa /,
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
    ...earlyFiles().flatMap(({ text }) => (text.startsWith('#!') ? text : [])),
  ];
  t.ok(scripts.length >= 5);
  for (const script of scripts) execFileSync('sh', ['-n'], { input: script });
  t.end();
});
