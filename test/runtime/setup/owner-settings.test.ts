import t from 'tap';
import { readOwnerSettings } from '../../../runtime/setup/owner-settings.js';

const good = {
  hostname: 'Kitchen-2',
  timezone: 'asia/tokyo',
  api_key: 'a-key-of-the-house',
  wifi: { ssid: 'The house', passphrase: 'correct horse' },
};
const settingAtFault = (changed: object | null) => {
  try {
    readOwnerSettings(changed && { ...good, ...changed });
    return null;
  } catch (error) {
    return (error as { setting: string }).setting;
  }
};

t.test('what is said is taken as hosts, zones and Wi-Fi have it', (t) => {
  t.strictSame(readOwnerSettings(good), {
    ...{ hostname: 'kitchen-2', timezone: 'Asia/Tokyo', apiKey: 'a-key-of-the-house' },
    wifi: { ssid: 'The house', passphrase: 'correct horse' },
  });
  const least = readOwnerSettings({ ...good, api_key: null, wifi: null });
  t.match(least, { apiKey: null, wifi: null });
  for (const passphrase of [null, 'x'.repeat(8), 'x'.repeat(63), 'aF'.repeat(32)])
    t.equal(settingAtFault({ wifi: { ssid: '家'.repeat(10), passphrase } }), null);
  t.end();
});

t.test('a name is one label of RFC 1123', (t) => {
  const wrong = ['', 'a b', 'a.b', '-a', 'a-', 'ä', 'a\n', '$(id)', 'x'.repeat(64), 7, null];
  for (const hostname of wrong) t.equal(settingAtFault({ hostname }), 'hostname', `${hostname}`);
  t.equal(settingAtFault({ hostname: 'x'.repeat(63) }), null);
  t.end();
});

t.test('a zone has a file, and is no path and no offset', (t) => {
  for (const timezone of [
    '',
    '../../etc/shadow',
    '/etc/passwd',
    'Mars/Base',
    'UTC\n',
    '+09:00',
    '+0900',
  ])
    t.equal(settingAtFault({ timezone }), 'timezone', timezone);
  t.end();
});

t.test('a key goes into a header', (t) => {
  for (const api_key of [
    '',
    'short',
    'with a space',
    'ключ-ключ',
    'key\r\nx: y',
    'x'.repeat(129),
    12345678,
  ])
    t.equal(settingAtFault({ api_key }), 'api_key', `${api_key}`);
  t.end();
});

t.test('a network has up to 32 bytes, and a passphrase of 8 to 63 characters or 64 digits', (t) => {
  for (const ssid of ['', '家'.repeat(11), 'x'.repeat(33), 1])
    t.equal(settingAtFault({ wifi: { ssid, passphrase: null } }), 'wifi.ssid', `${ssid}`);
  for (const passphrase of ['', 'x'.repeat(7), 'x'.repeat(64), 'pässword', 'a\nbcdefgh', 12345678])
    t.equal(
      settingAtFault({ wifi: { ssid: 'x', passphrase } }),
      'wifi.passphrase',
      `${passphrase}`,
    );
  t.end();
});

t.test('nothing is left out, and nothing else is in it', (t) => {
  t.equal(settingAtFault(null), 'setup');
  t.equal(settingAtFault({ ssh_key: 'x' }), 'ssh_key');
  t.equal(settingAtFault({ wifi: [] }), 'wifi');
  t.equal(settingAtFault({ wifi: { ssid: 'x' } }), 'passphrase');
  t.throws(
    () => readOwnerSettings({ hostname: 'a' }),
    /api_key is missing; expected hostname, api_key/,
  );
  t.throws(() => readOwnerSettings([]), /is not an object/);
  t.end();
});
