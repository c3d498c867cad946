import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { NotifyError, openNotifier } from '../../../runtime/systemd/notify.js';
import { bindDatagramSocket } from '../../support/datagram-socket.js';

const isLinux = process.platform === 'linux';

t.test('messages arrive at a real datagram socket', { skip: !isLinux }, async (t) => {
  // The path of a socket has room for 107 bytes, fewer than a test's own folder may need.
  const folder = mkdtempSync(path.join(tmpdir(), 'hearth-notify-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const name of [path.join(folder, 'notify'), `@hearth-test-${process.pid}`]) {
    const systemd = bindDatagramSocket(name);
    const notifier = await openNotifier({ NOTIFY_SOCKET: name, WATCHDOG_USEC: '60000000' });
    notifier?.send('READY=1\nSTATUS=answering');
    t.equal(systemd.receive(), 'READY=1\nSTATUS=answering', name);
    notifier?.send('WATCHDOG=1');
    t.equal(systemd.receive(), 'WATCHDOG=1');
    t.equal(notifier?.watchdogMs, 60_000);
    notifier?.close();
    systemd.close();
  }
});

t.test('outside systemd there is nobody to tell', async (t) => {
  t.equal(await openNotifier({}), null);
});

t.test('a watchdog for another process is not ours', { skip: !isLinux }, async (t) => {
  const env = { NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' };
  const notifier = await openNotifier(env);
  t.equal(notifier?.watchdogMs, null);
  t.throws(() => notifier?.send('READY=1'), NotifyError);
  notifier?.close();
});

t.test('an address that is none is refused', { skip: !isLinux }, async (t) => {
  await t.rejects(openNotifier({ NOTIFY_SOCKET: 'relative' }), NotifyError);
  await t.rejects(openNotifier({ NOTIFY_SOCKET: `/${'x'.repeat(200)}` }), NotifyError);
});
