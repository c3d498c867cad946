import t from 'tap';
import { settingsFiles } from '../../../appliance/image/settings-files.js';

const settings = {
  ...{ hostname: 'kitchen', timezone: 'Europe/Berlin', port: 8080 },
  ...{ sshKeys: [], apiKeys: [], wifi: null, updateCa: null },
  ...{
    updateUrl: null,
    hawkbit: null,
    updateHour: 4,
    patienceMs: 600_000,
    hasWifi: false,
    hasSetup: false,
  },
};

/** Text of the file, or the target of the link, at this path. */
function contentOf(path: string, changed: Partial<typeof settings> | object = {}) {
  const inputs = { settings: { ...settings, ...changed }, memoryMaxBytes: 2 ** 30 };
  const found = settingsFiles(inputs).find((entry) => entry.path === path);
  if (found?.kind === 'file') return found.text;
  return found?.kind === 'link' ? found.target : undefined;
}

t.test('a hostile network name stays a name, and its key is the one of IEEE 802.11i', (t) => {
  const wifiOf = (ssid: string, passphrase: string | null) =>
    contentOf('wifi.conf', { wifi: { ssid, passphrase } }) ?? '';
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
  const asKey = wifiOf('IEEE', 'F42C6FC52DF0EBEF9EBB4B90B38A5F902E83FE1B135A70E23AED762E9710A12E');
  t.match(asKey, 'psk=f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e\n');
  t.notMatch(asKey, /SAE|sae_password/, 'which WPA3 cannot use');
  t.end();
});

t.test('secrets are read by root alone, and are there only if they were given', (t) => {
  const wifi = { ssid: 'x', passphrase: 'correct horse' };
  const hawkbit = { url: 'https://hawkbit.example/DEFAULT', authorization: 'TargetToken x' };
  const secret = { ...settings, apiKeys: ['k'], wifi, sshKeys: ['ssh-ed25519 A'], hawkbit };
  const files = settingsFiles({ settings: secret, memoryMaxBytes: 1 });
  for (const path of ['keys', 'page-key', 'wifi.conf', 'hawkbit-token'])
    t.match(
      files.find((entry) => entry.path === path),
      { mode: 0o600 },
      path,
    );
  const paths = settingsFiles({ settings, memoryMaxBytes: 1 }).map((entry) => entry.path);
  t.notOk(paths.some((path) => /keys|wifi|ssh|update-|hawkbit/.test(path)));
  t.end();
});

t.test('hearth serves the whole network, within the memory, and asks for keys or says not', (t) => {
  t.match(JSON.parse(contentOf('serve.json') ?? ''), {
    ...{ host: '::', port: 8080, 'allow-host': ['kitchen', 'kitchen.local'], 'no-auth': true },
  });
  t.match(contentOf('hearth.service.conf'), `MemoryMax=${2 ** 30}\n`);
  const withKeys = { apiKeys: ['secret'] };
  t.notMatch(contentOf('serve.json', withKeys), 'no-auth');
  const limits = contentOf('hearth.service.conf', withKeys);
  t.match(limits, 'LoadCredential=keys:/run/hearth-settings/keys\n');
  t.notMatch(limits, 'secret');
  t.end();
});

t.test(
  'what an owner may set up is told to hearth serve, and kept for it from all but root',
  (t) => {
    const isOpen = { hasSetup: true };
    t.match(JSON.parse(contentOf('serve.json', isOpen) ?? ''), {
      setup: '/var/lib/hearth/setup.json',
    });
    t.same(JSON.parse(contentOf('setup.json', isOpen) ?? ''), {
      ...{ settings: { ...settings, ...isOpen }, memoryMaxBytes: 2 ** 30 },
    });
    t.notMatch(contentOf('serve.json'), 'setup');
    t.equal(contentOf('setup.json'), undefined);
    t.equal(contentOf('page-key', { apiKeys: ['a key#1'] }), '#key=a%20key%231\n');
    t.end();
  },
);

t.test('what scripts read is plain assignments', (t) => {
  t.match(contentOf('device'), /^([A-Z_]+=[A-Za-z0-9-]+\n)+$/);
  t.equal(contentOf('localtime'), '/usr/share/zoneinfo/Europe/Berlin');
  t.match(contentOf('sysctl.conf', { port: 80 }), /=80\n/);
  t.equal(contentOf('sysctl.conf'), '');
  t.end();
});
