// An owner sets a booted device up over HTTP, as its page does; then what is in force on it.
// The device's network is QEMU's, in which this machine has an address of a house.
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Access, onDevice, untilHealthy, untilShown } from './device.js';
import type { VirtualMachine } from './virtual-machine.js';

type Check = (isRight: boolean, what: string) => void;

const OWNER = { hostname: 'kitchen', timezone: 'Asia/Tokyo', wifi: null };
/** hearth and its model start again, emulated. */
const RESTART_MS = 15 * 60_000;
const SCREEN_MS = 2 * 60_000;
/** Shell: the name that the kernel and the network have, the zone, who may read what was set. */
const IN_FORCE = `
cat /proc/sys/kernel/hostname
resolvectl query kitchen.local >/dev/null && echo found
date +%Z
stat -c '%U %a' /data/setup/settings.json
ls /var/lib/hearth/setup.json 2>&1 | grep -c 'No such file'
`;

/** Sets {@link Access.apiKey} as the device's key. */
export async function setUp(machine: VirtualMachine, access: Access, check: Check): Promise<void> {
  const before = await fetch(machine.url, { redirect: 'manual' });
  check(before.headers.get('location') === '/setup', 'who opens the page sets the device up');
  const page = await (await fetch(`${machine.url}/setup`)).text();
  check(/id="setup-form"/.test(page), 'the setup page answers');
  check(/set up +at the page above/.test(await machine.console()), 'the console says so');
  const owner = { ...OWNER, api_key: access.apiKey };
  const answers = await Promise.all([post(machine, owner), post(machine, owner)]);
  check(`${answers.sort()}` === '200,410', `two owners at once: ${answers.join(', ')}`);
  const seconds = await untilKeyed(machine);
  await untilHealthy(machine);
  check(true, `set up to asking for the key: ${seconds.toFixed(0)} s`);
  const found = await onDevice(machine, access, IN_FORCE);
  check(
    found === 'kitchen\nfound\nJST\nroot 600\n1\n',
    `in force: ${found.trim().split('\n').join(', ')}`,
  );
  check((await statusAs(machine, 'kitchen.local')) === 200, 'it answers by its new name');
  check((await statusAs(machine, 'boot-test.local')) === 403, 'and not by the old one');
  const headers = { authorization: `Bearer ${access.apiKey}` };
  const paths = ['/setup', '/setup/device', '/setup.html'];
  const closed = await Promise.all(paths.map((path) => fetch(machine.url + path, { headers })));
  check(
    closed.every(({ status }) => status === 404),
    `the setup is closed: ${closed.map(({ status }) => status).join(', ')}`,
  );
  const isShown = await untilShown(machine, /hearth on kitchen/, SCREEN_MS);
  const screen = (await machine.console()).split('hearth on kitchen').at(-1) ?? '';
  check(isShown && !/set up +at/.test(screen), 'the console has the new name, and no setup');
}

async function post(machine: VirtualMachine, body: object): Promise<number> {
  const headers = { 'content-type': 'application/json', origin: machine.url };
  const sent = { method: 'POST', headers, body: JSON.stringify(body) };
  return (await fetch(`${machine.url}/setup`, sent)).status;
}

/** Seconds until whoever has no key is refused. */
async function untilKeyed(machine: VirtualMachine): Promise<number> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < RESTART_MS) {
    const models = await fetch(`${machine.url}/v1/models`).catch(() => null);
    if (models?.status === 401) return (performance.now() - startedAt) / 1000;
    await sleep(1_000);
  }
  throw new Error(`the key was not in force in time:\n${await machine.console()}`);
}

/** Of the page, asked for under this name. */
function statusAs({ url }: VirtualMachine, name: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host: `${name}:8080` };
    const sent = request(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.once('error', reject).end();
  });
}
