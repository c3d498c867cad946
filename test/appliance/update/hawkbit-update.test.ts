// What hawkBit assigns is installed, and what became of it is told: by a server in the shapes of hawkBit's
// documentation and a program in the place of RAUC, which streams in npm run test:update alone.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { readDevice, readOrder } from '../../../appliance/update/device.js';
import { updateByHawkbit } from '../../../appliance/update/hawkbit-update.js';
import { startDdiServer } from './ddi-server.js';

const { PATH } = process.env;
t.teardown(() => {
  process.env['PATH'] = PATH;
});

type Test = { testdir: typeof t.testdir; teardown(run: () => Promise<void>): void };

/** A device on slot A with release 2.0, whose RAUC says `info` of any bundle and then installs it or not. */
async function start(t: Test, { installs = true } = {}) {
  const server = await startDdiServer(t);
  const root = t.testdir({
    etc: { rauc: { 'system.conf': 'compatible=hearth-x64-uefi\n' } },
    run: {
      'hearth-disk': { slot: 'a\n' },
      'hearth-settings': {
        ...{ 'update-ca.pem': 'a CA\n', 'hawkbit-url': `${server.url}\n` },
        'hawkbit-token': `GatewayToken ${server.token}\n`,
      },
    },
    sys: {
      class: {
        net: {
          enp0s2: { address: '52:54:00:12:34:56\n', device: {} },
          br0: { address: '02:00:00:00:00:01\n' },
        },
      },
    },
    model: { release: '2.0\n' },
    bin: {},
  });
  const said = path.join(root, 'said');
  const info = `[ "$1" = install ] || echo '{"compatible":"hearth-x64-uefi","version":"3.0"}'`;
  const failure = 'echo "LastError: signature verification failed" >&2; exit 1';
  const install = installs ? 'echo "  100% Installing done."' : failure;
  const words = `printf '%s\\n' "$@" >>'${said}'`;
  writeFileSync(
    path.join(root, 'bin/rauc'),
    `#!/bin/sh\n${words}\n${info}\n[ "$1" != install ] || { ${install}; }\n`,
    { mode: 0o755 },
  );
  process.env['PATH'] = `${root}/bin:${PATH}`;
  const update = async () => {
    const device = await readDevice(root);
    if (!device.hawkbit) throw new Error('the device knows of no server');
    return await updateByHawkbit({ device, server: device.hawkbit, allowsOlder: false, root });
  };
  const told = () => server.told.splice(0).map(({ url, body }) => [url, statusOf(body)]);
  const raucSaid = () => readFileSync(said, 'utf8');
  return { server, root, update, told, raucSaid };
}

function statusOf(body: unknown) {
  const { execution, result, details } =
    (body as { status?: { execution: string; result: object; details: string[] } }).status ?? {};
  return execution === undefined ? body : { execution, ...result, details: details?.join('\n') };
}

/** As the device's start does it once the new system has answered, or not. */
function started(root: string, outcome: 'updated' | 'fell-back'): void {
  rmSync(path.join(root, 'data/update/installed'));
  const record = `OUTCOME=${outcome}\nRELEASE=3.0\nFROM=2.0\nAT=2026-11-30T04:00:00Z\n`;
  writeFileSync(path.join(root, 'data/update/outcome'), record);
}

const FEEDBACK = 'deploymentBase/7/feedback';

t.test('an update goes from its assignment to what became of it', async (t) => {
  for (const outcome of ['updated', 'fell-back'] as const) {
    const { server, root, update, told, raucSaid } = await start(t);
    t.equal(await update(), null, 'nothing is assigned');
    server.wantsAttributes = true;
    server.bundle = new URL('/bundle', server.url).href;
    t.match(await update(), { kind: 'installed', release: '3.0' });
    t.match(told(), [
      [
        'configData',
        { mode: 'merge', data: { hw_boardname: 'hearth-x64-uefi', sw_version: '2.0' } },
      ],
      [FEEDBACK, { execution: 'proceeding', finished: 'none', details: 'is being installed' }],
      [FEEDBACK, { execution: 'proceeding', details: /^3\.0 is installed/ }],
    ]);
    t.match(
      raucSaid(),
      `install\n--http-header=Authorization: GatewayToken secret\n${server.bundle}\n`,
    );
    t.match(await update(), { kind: 'waiting' });
    t.same(told(), [], 'the same is not told again');
    started(root, outcome);
    server.bundle = null;
    t.equal(await update(), null);
    const [finished, details] =
      outcome === 'updated'
        ? ['success', '3.0 runs']
        : ['failure', '3.0 did not answer; 2.0 runs again'];
    t.same(told(), [[FEEDBACK, { execution: 'closed', finished, details }]]);
    t.equal(await update(), null);
    t.same(told(), [], 'and told once');
  }
});

t.test('the end is told later where the server cannot be reached', async (t) => {
  const { server, root, update, told } = await start(t);
  server.bundle = new URL('/bundle', server.url).href;
  await update();
  started(root, 'updated');
  told();
  server.says = { status: 503, body: 'later' };
  await t.rejects(update(), /answered 503/);
  server.says = null;
  server.bundle = null;
  await update();
  t.match(told(), [[FEEDBACK, { execution: 'closed', finished: 'success' }]]);
});

t.test('an action that was deleted meanwhile is forgotten', async (t) => {
  const { server, root, update, told } = await start(t);
  server.bundle = new URL('/bundle', server.url).href;
  await update();
  started(root, 'updated');
  told();
  server.bundle = null;
  server.isGone = true;
  t.equal(await update(), null);
  t.equal(await readOrder(root), null);
  t.same(told(), []);
});

t.test('one that cannot be installed is tried three times, and then given up', async (t) => {
  const { server, update, told, root } = await start(t, { installs: false });
  server.bundle = new URL('/bundle', server.url).href;
  for (let i = 0; i < 3; i++) await t.rejects(update(), /signature verification failed/);
  const details = /signature verification failed/;
  t.match(told(), [
    [FEEDBACK, { execution: 'proceeding', details: 'is being installed' }],
    [FEEDBACK, { execution: 'proceeding', details: /^try 1 of 3: .*signature/ }],
    [FEEDBACK, { execution: 'proceeding', details: /^try 2 of 3: / }],
    [FEEDBACK, { execution: 'closed', finished: 'failure', details }],
  ]);
  t.equal(await readOrder(root), null);
});

t.test('nothing is begun outside of a maintenance window', async (t) => {
  const { server, update, told } = await start(t);
  server.bundle = new URL('/bundle', server.url).href;
  server.update = 'skip';
  server.maintenanceWindow = 'unavailable';
  t.equal(await update(), null);
  t.same(told(), []);
});

t.test('an action may be cancelled until it is installed', async (t) => {
  const { server, update, told } = await start(t);
  server.bundle = new URL('/bundle', server.url).href;
  server.cancels = true;
  t.equal(await update(), null);
  t.match(told(), [['cancelAction/8/feedback', { execution: 'closed', finished: 'success' }]]);
  server.cancels = false;
  await update();
  told();
  server.cancels = true;
  t.equal(await update(), null);
  t.match(told(), [['cancelAction/8/feedback', { execution: 'rejected', details: /next start/ }]]);
});

t.test('the token goes to no other server, which may have the bundle all the same', async (t) => {
  const { server, update, raucSaid } = await start(t);
  server.bundle = 'http://downloads.example/a.raucb';
  t.match(await update(), { kind: 'installed' });
  t.match(raucSaid(), 'install\nhttp://downloads.example/a.raucb\n');
  t.notMatch(raucSaid(), /secret/);
});

t.test('a server that is none, or wants no such device, is named', async (t) => {
  const { server, root, update, told } = await start(t);
  const moved = JSON.stringify({ _links: { deploymentBase: { href: 'http://other.example/' } } });
  const cases: [number, string, RegExp][] = [
    [200, '<!doctype html>', /does not answer as hawkBit does; pass its address with the tenant/],
    [200, 'x'.repeat(2 << 20), /does not answer as hawkBit does/],
    [200, '['.repeat(5000), /does not answer as hawkBit does/],
    [404, '', /answered 404; is its address right, and the tenant in it\?/],
    [302, '', /answered 302/],
    [200, moved, /sends this device to http:\/\/other\.example\/; check what hawkBit takes/],
    [200, 'null', /nothing/],
  ];
  for (const [status, body, words] of cases) {
    server.says = { status, body };
    if (body === 'null') t.equal(await update(), null, 'nothing is assigned');
    else await t.rejects(update(), words, `${status} ${body.slice(0, 20)}`);
  }
  server.says = null;
  server.token = 'another';
  await t.rejects(update(), /answered 401; it knows another token/);
  t.same(told(), []);
  rmSync(path.join(root, 'sys/class/net/enp0s2/device'), { recursive: true });
  await t.rejects(update(), /no network card to be known by/);
});

t.test('a deployment that makes no sense is given up with its reason', async (t) => {
  const { server, update, told } = await start(t);
  server.bundle = 'file:///etc/shadow';
  for (let i = 0; i < 3; i++) await t.rejects(update(), /assigned 0 bundles; expected one file/);
  t.match(told().at(-1), [FEEDBACK, { execution: 'closed', finished: 'failure' }]);
});
