import { chmodSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { readSettings } from '../../../appliance/image/device-settings.js';
import { makeUpdateKeys, UPDATE_KEYS } from '../../../appliance/update/update-keys.js';
import { needs } from '../../support/needs.js';

const PUBLIC_KEY =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBJunnGpZl7+T2bScER0yIkwBj/uGh+L+I/O8OHhbu0l me@home';
const silent = () => {};

t.test('without options: a name, UTC, no keys, no Wi-Fi', async (t) => {
  t.strictSame(await readSettings({}, silent), {
    ...{ hostname: 'hearth', sshKeys: [], wifi: null, apiKeys: [], timezone: 'UTC', port: 8080 },
    ...{ updateCa: null, updateUrl: null, hawkbit: null, updateHour: 4, patienceMs: 600_000 },
    ...{ hasWifi: false, hasSetup: true },
  });
});

t.test('a hostname is one label, whatever else is tried', async (t) => {
  t.match(await readSettings({ hostname: 'Kitchen-2' }, silent), { hostname: 'kitchen-2' });
  const tricks = ['a b', 'a"b', "a'b", 'a\nb', 'a;reboot', '$(id)', '-a', 'a-', '', 'ä', 'a.b'];
  for (const hostname of [...tricks, 'x'.repeat(64)])
    await t.rejects(readSettings({ hostname }, silent), /--hostname .* is not the name/, hostname);
});

t.test('a timezone is one that exists, not a path', async (t) => {
  t.match(await readSettings({ timezone: 'Europe/Berlin' }, silent), { timezone: 'Europe/Berlin' });
  t.match(await readSettings({ timezone: 'europe/berlin' }, silent), { timezone: 'Europe/Berlin' });
  for (const timezone of ['../../etc/shadow', '/etc/passwd', 'Mars/Base', 'UTC\n', ''])
    await t.rejects(readSettings({ timezone }, silent), /--timezone .* is not known/, timezone);
});

t.test('public SSH keys alone are taken, and a private one is refused by name', async (t) => {
  const folder = t.testdir({
    good: `# mine\n${PUBLIC_KEY}\n\n`,
    private: '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n',
    options: `command="rm -rf /" ${PUBLIC_KEY}\n`,
    empty: '\n',
  });
  const file = (name: string) => ({ 'ssh-key': path.join(folder, name) });
  t.match(await readSettings(file('good'), silent), { sshKeys: [PUBLIC_KEY] });
  await t.rejects(readSettings(file('private'), silent), /is a private key.*pass .*private\.pub/);
  await t.rejects(readSettings(file('options'), silent), /holds no public SSH keys/);
  await t.rejects(readSettings(file('empty'), silent), /holds no public SSH keys/);
  await t.rejects(readSettings(file('none'), silent), /none cannot be read \(ENOENT\)/);
});

t.test('a key file that others can read is warned of', async (t) => {
  const folder = t.testdir({ keys: 'one\ntwo\n', psk: 'correct horse\n', none: '\n' });
  const file = (name: string, mode: number) => {
    chmodSync(path.join(folder, name), mode);
    return path.join(folder, name);
  };
  const warnings: string[] = [];
  const warn = (text: string) => warnings.push(text);
  t.match(await readSettings({ 'api-key-file': file('keys', 0o600) }, warn), {
    apiKeys: ['one', 'two'],
  });
  t.strictSame(warnings, []);
  await readSettings({ 'api-key-file': file('keys', 0o644) }, warn);
  await readSettings({ 'wifi-ssid': 'x', 'wifi-psk-file': file('psk', 0o640) }, warn);
  t.match(warnings, [/others can read .*keys \(mode 644\)/, /others can read .*psk \(mode 640\)/]);
  await t.rejects(readSettings({ 'api-key-file': file('none', 0o600) }, warn), /holds no key/);
});

t.test('an owner may set up what has no key, unless its maker says otherwise', async (t) => {
  const keys = path.join(t.testdir({ keys: 'one\n' }), 'keys');
  chmodSync(keys, 0o600);
  t.match(await readSettings({}, silent), { hasSetup: true });
  t.match(await readSettings({ setup: false }, silent), { hasSetup: false });
  t.match(await readSettings({ 'api-key-file': keys }, silent), { hasSetup: false });
  await t.rejects(
    readSettings({ setup: true, 'api-key-file': keys }, silent),
    /--setup lets the owner set the key; leave out --api-key-file/,
  );
});

t.test('Wi-Fi has a name of up to 32 bytes and a passphrase of 8 to 63', async (t) => {
  const folder = t.testdir({
    psk: 'correct "horse"\n',
    short: 'short\n',
    two: 'correct horse\nbattery\n',
  });
  const psk = (name: string) => path.join(folder, name);
  const hostile = 'a"\n}\nnetwork={';
  t.match(await readSettings({ 'wifi-ssid': hostile, 'wifi-psk-file': psk('psk') }, silent), {
    wifi: { ssid: hostile, passphrase: 'correct "horse"' },
  });
  const open = { wifi: { passphrase: null }, hasWifi: true };
  t.match(await readSettings({ 'wifi-ssid': 'open' }, silent), open);
  t.match(await readSettings({ wifi: true }, silent), { wifi: null, hasWifi: true });
  await t.rejects(
    readSettings({ 'wifi-ssid': 'ä'.repeat(17) }, silent),
    /has 34 bytes; expected 1 to 32/,
  );
  for (const name of ['short', 'two'])
    await t.rejects(
      readSettings({ 'wifi-ssid': 'x', 'wifi-psk-file': psk(name) }, silent),
      /8 to 63/,
    );
  await t.rejects(
    readSettings({ 'wifi-psk-file': psk('psk') }, silent),
    /name it with --wifi-ssid/,
  );
});

t.test('updates come from one place', { skip: needs('openssl') }, async (t) => {
  const folder = t.testdir({
    ...{ gateway: '3f2a\n', target: 'TargetToken 3f2a\n' },
    ...{ two: 'a\nb\n', header: 'a\r\nHost: x', none: '\n' },
  });
  await makeUpdateKeys({ folder: path.join(folder, 'keys'), name: 'Test', days: 30 });
  const ca = { 'update-ca': path.join(folder, 'keys', UPDATE_KEYS.caCert) };
  const token = (name: string) => ({ 'hawkbit-token-file': path.join(folder, name) });
  const hawkbit = { ...ca, 'hawkbit-url': 'https://hawkbit.example/DEFAULT' };
  const url = 'https://hawkbit.example/DEFAULT';
  t.match(await readSettings(hawkbit, silent), { hawkbit: { url, authorization: null } });
  for (const [name, authorization] of [
    ['gateway', 'GatewayToken 3f2a'],
    ['target', 'TargetToken 3f2a'],
  ] as const)
    t.match(await readSettings({ ...hawkbit, ...token(name) }, silent), {
      hawkbit: { url, authorization },
    });
  for (const name of ['two', 'header', 'none'])
    await t.rejects(readSettings({ ...hawkbit, ...token(name) }, silent), /holds no token/, name);
  const folderUrl = { 'update-url': 'http://nas.local/' };
  t.match(await readSettings({ ...ca, ...folderUrl }, silent), { updateUrl: 'http://nas.local/' });
  await t.rejects(readSettings({ ...hawkbit, ...folderUrl }, silent), /two ways.*choose one/);
  await t.rejects(readSettings(token('gateway'), silent), /name it with --hawkbit-url/);
  for (const name of ['update-url', 'hawkbit-url'] as const) {
    await t.rejects(readSettings({ [name]: url }, silent), /say by whom with --update-ca/);
    await t.rejects(readSettings({ ...ca, [name]: 'ftp://x/' }, silent), /is not an address/);
    await t.rejects(readSettings({ ...ca, [name]: 'x' }, silent), /is not an address/);
  }
});
