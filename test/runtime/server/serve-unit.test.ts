import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { hearth } from '../../support/hearth.js';

const folder = t.testdir({ 'chat.gguf': '' });
const model = path.join(folder, 'chat.gguf');

t.test('--print-unit prints a unit that systemd takes, without the key', async (t) => {
  writeFileSync(path.join(folder, 'hearth.json'), '{}');
  const { status, stdout } = await hearth(
    [
      ...['serve', model, '--print-unit', '--apiKey', 'sk-secret', '--api-key=sk-secret'],
      ...['--port', '9000', '--deadline', '10m', '--config=hearth.json'],
      ...['--socket', 'run/hearth.sock', '--api-key-file', 'keys'],
    ],
    { cwd: folder, env: { HEARTH_CTX: '256', HEARTH_API_KEY: 'sk-secret' } },
  );
  t.equal(status, 0);
  t.notMatch(stdout, 'sk-secret');
  const cwd = folder;
  for (const line of [
    `--config ${cwd}/hearth.json --socket ${cwd}/run/hearth.sock --api-key-file \${CREDENTIALS_DIRECTORY}/keys\n`,
    `LoadCredential=keys:${cwd}/keys\n`,
    `ReadWritePaths=${cwd}/run\n`,
    'Environment=HEARTH_CTX=256\n',
    'TimeoutStopSec=660\n',
  ])
    t.match(stdout, line);
  t.notMatch(stdout, /^(ProtectClock|PrivateDevices|DevicePolicy)=/m, 'a GPU stays reachable');
  t.match(stdout, `serve ${model} --port 9000`);
  for (const line of [
    'Type=notify',
    'WatchdogSec=',
    'DynamicUser=yes',
    'StateDirectory=',
    'MemoryMax=',
  ])
    t.match(stdout, line);
  const unit = path.join(folder, 'hearth.service');
  writeFileSync(unit, stdout);
  const verified = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
  if (verified.error) t.comment('systemd-analyze is not installed');
  else t.notMatch(verified.stderr, /hearth\.service:\d+:/);
});
