// usr/lib/hearth/setup on a folder in place of the device: hearth makes the files as on a device, and mounting
// is copying. What systemd is told is looked at.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { packageRoot } from '../../support/samples.js';
import { fakeDevice } from '../image/fake-device.js';
import { makeUnsetDevice, OWNER, request } from './unset-device.js';

const APPLY = path.join(packageRoot, 'dist/appliance/setup/apply-setup.js');

/** As setup-command.ts does it, on this device. */
const hearth = (root: string) =>
  `#!/bin/sh
exec '${process.execPath}' -e 'import("${APPLY}").then(async ({ applySetup }) => {
  const [, , folder, , kept] = process.argv.slice(1);
  process.exitCode = (await applySetup({ folder, kept, root: "${root}" })) ? 0 : 1;
})' -- "$@"
`;

async function unsetDevice(t: Test, { hasData = true, hasWifi = false } = {}) {
  const programs = {
    mountpoint: `exit ${hasData ? 0 : 1}`,
    mount: 'rm -rf "$3" && cp -a "$2" "$3"',
    systemctl: 'echo "$@" >>"$ASKED"',
  };
  const files = {
    'proc/sys/kernel/hostname': 'hearth\n',
    ...(hasWifi && { 'sys/class/net/wlan0/phy80211/name': 'phy0\n' }),
  };
  const it = fakeDevice(t, { programs, files });
  await makeUnsetDevice(it.at(''));
  it.write('usr/bin/hearth', hearth(it.at('')), 0o755);
  const setup = () => {
    const { status, stderr } = it.run('setup', [], { ASKED: it.at('told') });
    return { status, stderr, told: it.read('told') ?? '' };
  };
  return { ...it, root: it.at(''), setup };
}

const RESTARTED = '--no-block try-restart hearth.service hearth-console.service\n';

t.test('nothing happens until something is set', async (t) => {
  const { setup, at } = await unsetDevice(t);
  t.match(setup(), { status: 0, stderr: '', told: '' });
  t.notOk(existsSync(at('run/hearth-made')));
});

t.test('what was set is in force, and what is asked for later changes nothing', async (t) => {
  const { setup, read, at, root } = await unsetDevice(t, { hasWifi: true });
  request(root, OWNER);
  const wifi = '--no-block restart hearth-wifi@wlan0.service\n';
  t.match(setup(), { status: 0, stderr: '', told: `daemon-reload\n${wifi}${RESTARTED}` });
  t.equal(read('run/hearth-settings/hostname'), 'kitchen\n');
  t.equal(read('proc/sys/kernel/hostname'), 'kitchen\n');
  t.match(JSON.parse(readFileSync(at('data/setup/settings.json'), 'utf8')), OWNER);
  t.notOk(existsSync(at('var/lib/hearth/setup.json')), 'it may be asked for again, to no end');
  request(root, { ...OWNER, hostname: 'taken-over' });
  const { told } = setup();
  t.equal(told, `daemon-reload\n${wifi}${RESTARTED}`, 'systemd is told no more');
  t.equal(read('run/hearth-settings/hostname'), 'kitchen\n');
  t.notOk(existsSync(at('var/lib/hearth/setup.json')));
});

t.test(
  'a later start has it again, also where the power went before it was in force',
  async (t) => {
    const { setup, read, root } = await unsetDevice(t);
    request(root, OWNER);
    setup();
    await makeUnsetDevice(root);
    t.equal(read('run/hearth-settings/hostname'), 'hearth\n', 'as the image has it');
    t.equal(setup().status, 0);
    t.equal(read('run/hearth-settings/hostname'), 'kitchen\n');
  },
);

t.test('without a data partition it holds until the power goes', async (t) => {
  const { setup, read, root } = await unsetDevice(t, { hasData: false });
  request(root, OWNER);
  t.equal(setup().status, 0);
  t.equal(read('run/hearth-settings/hostname'), 'kitchen\n');
  t.match(read('run/hearth-kept/settings.json'), 'kitchen');
});

t.test('what is refused leaves the setup open, with a notice', async (t) => {
  const { setup, read, at, root } = await unsetDevice(t);
  request(root, { ...OWNER, hostname: '' });
  t.match(setup(), { status: 0, told: RESTARTED });
  t.match(read('run/hearth-notices'), 'The device was not set up');
  t.ok(existsSync(at('run/hearth-settings/setup.json')));
  t.notOk(existsSync(at('var/lib/hearth/setup.json')));
});
