// The setup of a device over HTTP: for whom it is open, what it takes, and that it closes.
import { readdirSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import t from 'tap';
import { isLocalAddress } from '../../../runtime/server/local-peer.js';
import { post } from './running-server.js';
import { startSetupServer } from './setup-server.js';

const settings = {
  ...{ hostname: 'Kitchen', timezone: 'Europe/Berlin', api_key: 'key-of-the-house' },
  wifi: { ssid: 'House', passphrase: 'correct horse' },
};
const open = { redirect: 'manual' } as const;
const codeOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string; param: string | null } }).error;

/** Status of a request with headers that fetch keeps to itself. */
function statusWith(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.once('error', reject).end();
  });
}

t.test('the setup is what one sees first, and is written for root once', async (t) => {
  const { url, file } = await startSetupServer(t, { hasWifi: true });
  const first = await fetch(`${url}/`, open);
  t.match([first.status, first.headers.get('location')], [302, '/setup']);
  const page = await fetch(`${url}/setup`);
  t.match(await page.text(), /<form id="setup-form"/);
  t.match(page.headers.get('content-security-policy'), "script-src 'self'");
  t.match(await (await fetch(`${url}/setup/device`)).json(), { hostname: /./, wifi: true });
  const answer = await post(`${url}/setup`, settings);
  t.same([answer.status, await answer.json()], [200, { hostname: 'kitchen' }]);
  t.strictSame(JSON.parse(readFileSync(file, 'utf8')), { ...settings, hostname: 'kitchen' });
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.same(readdirSync(path.dirname(file)).sort(), ['cards', 'setup.json'], 'and nothing beside it');
  for (const name of ['/setup', '/setup/device']) {
    const closed = await fetch(url + name);
    t.match([closed.status, await codeOf(closed)], [410, { code: 'already_set_up' }], name);
  }
  t.equal((await fetch(`${url}/`, open)).status, 200, 'the chat has its place back');
});

t.test('of two owners at once the first one wins, and the other one is told', async (t) => {
  const { url, file } = await startSetupServer(t);
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const answers = await Promise.all(
    names.map((hostname) => post(`${url}/setup`, { ...settings, hostname })),
  );
  t.same(answers.map(({ status }) => status).sort(), [200, 410, 410, 410, 410, 410]);
  const winner = names[answers.findIndex(({ status }) => status === 200)];
  t.equal(JSON.parse(readFileSync(file, 'utf8')).hostname, winner);
});

t.test('it stays closed when root has taken the file, and after a start beside one', async (t) => {
  const { url, file } = await startSetupServer(t);
  t.equal((await post(`${url}/setup`, settings)).status, 200);
  const again = await startSetupServer(t, { setup: { file } });
  t.equal((await post(`${again.url}/setup`, settings)).status, 410);
  unlinkSync(file);
  t.equal((await post(`${url}/setup`, settings)).status, 410);
});

t.test('what was set already, or made with all settings, has no setup', async (t) => {
  const { url } = await startSetupServer(t, { setup: null });
  t.equal((await fetch(`${url}/`, open)).status, 200);
  for (const name of ['/setup', '/setup/device', '/setup.html'])
    t.equal((await fetch(url + name)).status, 404, name);
  t.equal((await post(`${url}/setup`, settings)).status, 404);
});

t.test('settings that a device cannot have are refused by name, and leave it open', async (t) => {
  const { url } = await startSetupServer(t);
  const wrong = [
    [{ ...settings, hostname: 'a b' }, 'hostname'],
    [{ ...settings, wifi: { ssid: 'x', passphrase: 'short' } }, 'wifi.passphrase'],
    [{ ...settings, more: 1 }, 'more'],
    [{}, 'hostname'],
  ] as const;
  for (const [body, param] of wrong) {
    const answer = await post(`${url}/setup`, body);
    t.match([answer.status, await codeOf(answer)], [400, { code: 'invalid_setting', param }]);
  }
  t.equal((await post(`${url}/setup`, { ...settings, hostname: 'x'.repeat(5000) })).status, 413);
  t.equal((await post(`${url}/setup`, 'hostname=a', { 'content-type': 'text/plain' })).status, 415);
  t.equal((await post(`${url}/setup`, settings)).status, 200);
});

t.test('pages of the web, foreign names and what a proxy forwards are kept out', async (t) => {
  const { url } = await startSetupServer(t);
  const { host } = new URL(url);
  for (const origin of ['https://example.org', 'null', `https://x.example:${new URL(url).port}`]) {
    const answer = await post(`${url}/setup`, settings, { origin });
    t.match([answer.status, await codeOf(answer)], [403, { code: 'origin_not_allowed' }], origin);
  }
  t.equal(await statusWith(`${url}/setup`, { host: 'attacker.example' }), 403);
  for (const name of ['forwarded', 'via', 'x-forwarded-for', 'x-real-ip'])
    t.equal(await statusWith(`${url}/setup`, { host, [name]: '192.168.1.2' }), 403, name);
  t.equal(
    await statusWith(`${url}/`, { host, via: '1.1 proxy' }),
    200,
    'who may not, sees the chat',
  );
  t.equal((await post(`${url}/setup`, settings, { origin: url })).status, 200, 'its own page may');
});

t.test('addresses of the house, by the registries of IANA', (t) => {
  const house =
    '10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.2 169.254.7.7 127.0.0.1 ::1 fe80::1 fe80::1%eth0 fd00::1 ::ffff:192.168.1.2';
  const world =
    '9.255.255.255 11.0.0.1 172.15.0.1 172.32.0.1 192.169.0.1 8.8.8.8 100.64.0.1 2001:db8::1 fec0::1 ::ffff:8.8.8.8 :: 0.0.0.0 x';
  for (const address of house.split(' ')) t.ok(isLocalAddress(address), address);
  for (const address of [...world.split(' '), '']) t.notOk(isLocalAddress(address), address);
  t.end();
});
