// What an owner set, as files of a device's settings: those that an image made with the same would have.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { applySetup } from '../../../appliance/setup/apply-setup.js';
import { makeUnsetDevice, OWNER, request } from './unset-device.js';

/** Files and links below `folder`, with their text or target and their mode. */
function tree(folder: string): Record<string, string> {
  const entries = readdirSync(folder).map((name) => {
    const file = path.join(folder, name);
    const isLink = name === 'localtime';
    const text = isLink ? readlinkSync(file) : readFileSync(file, 'utf8');
    return [name, isLink ? text : `${(statSync(file).mode & 0o777).toString(8)} ${text}`];
  });
  return Object.fromEntries(entries);
}

async function unsetDevice(t: Test, flags = {}) {
  const root = t.testdir();
  await makeUnsetDevice(root, flags);
  const kept = path.join(root, 'data/setup/settings.json');
  const folder = path.join(root, 'made');
  const notices = () => {
    const file = path.join(root, 'run/hearth-notices');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  const apply = () => applySetup({ kept, folder, root });
  return { root, kept, folder, notices, apply };
}

t.test('its files are those of an image that was made with the same', async (t) => {
  const { root, kept, folder, apply } = await unsetDevice(t, { 'update-hour': 3 });
  request(root, OWNER);
  t.equal(await apply(), true);
  const secrets = { keys: `${OWNER.api_key}\n`, psk: `${OWNER.wifi.passphrase}\n` };
  for (const [name, text] of Object.entries(secrets))
    writeFileSync(path.join(root, name), text, { mode: 0o600 });
  const image = path.join(root, 'image');
  await makeUnsetDevice(image, {
    ...{ hostname: 'kitchen', timezone: 'Asia/Tokyo', 'update-hour': 3 },
    ...{ 'api-key-file': path.join(root, 'keys'), 'wifi-ssid': '家' },
    'wifi-psk-file': path.join(root, 'psk'),
  });
  t.same(tree(folder), tree(path.join(image, 'run/hearth-settings')));
  t.equal(tree(folder)['page-key'], '600 #key=key%23of-the-house\n');
  t.equal(statSync(kept).mode & 0o777, 0o600);
});

t.test('it is the same at each start, whatever is asked for later', async (t) => {
  const { root, folder, apply, notices } = await unsetDevice(t);
  t.equal(await apply(), false, 'nothing was set yet');
  t.notOk(existsSync(folder));
  request(root, OWNER);
  await apply();
  const first = tree(folder);
  request(root, { ...OWNER, hostname: 'taken-over' });
  t.equal(await apply(), true);
  t.same(tree(folder), first);
  rmSync(path.join(root, 'var/lib/hearth/setup.json'));
  rmSync(folder, { recursive: true });
  t.equal(await apply(), true, 'after a start, with nothing but what was kept');
  t.same(tree(folder), first);
  t.equal(notices(), '');
});

t.test('what is not said stays as the image has it', async (t) => {
  const { root, folder, apply } = await unsetDevice(t, { 'wifi-ssid': 'Workshop' });
  request(root, { ...OWNER, api_key: null, wifi: null });
  await apply();
  const { 'wifi.conf': wifi, 'serve.json': serve = '', ...files } = tree(folder);
  t.match(wifi, Buffer.from('Workshop').toString('hex'));
  t.match(JSON.parse(serve.slice(4)), { 'no-auth': true, setup: undefined });
  t.notOk('keys' in files || 'setup.json' in files);
});

t.test('what no device can have is refused, though hearth serve had let it through', async (t) => {
  for (const wrong of [
    '',
    '{',
    { ...OWNER, hostname: 'x\nroot' },
    { ...OWNER, timezone: '../../etc/shadow' },
    { ...OWNER, more: 1 },
    `${' '.repeat(70_000)}${JSON.stringify(OWNER)}`,
  ]) {
    const { root, kept, folder, apply, notices } = await unsetDevice(t);
    request(root, wrong);
    t.equal(await apply(), false);
    t.match(notices(), /^The device was not set up: .+\n$/);
    t.notOk(existsSync(kept) || existsSync(folder));
  }
});

t.test('a link in the place of what was set is not followed', async (t) => {
  const { root, kept, apply } = await unsetDevice(t);
  const secret = path.join(root, 'secret.json');
  writeFileSync(secret, JSON.stringify(OWNER));
  symlinkSync(secret, path.join(root, 'var/lib/hearth/setup.json'));
  t.equal(await apply(), false);
  t.notOk(existsSync(kept));
});

t.test('what was kept and cannot be read any more is said, and set aside', async (t) => {
  const { root, kept, apply, notices } = await unsetDevice(t);
  mkdirSync(path.dirname(kept));
  writeFileSync(kept, '\0\0\0');
  t.equal(await apply(), false);
  t.match(notices(), /cannot be read; set the device up again/);
  t.ok(existsSync(`${kept}.damaged`));
  request(root, OWNER);
  t.equal(await apply(), true);
});
