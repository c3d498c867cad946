import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { imageUnit } from '../../runtime/device-unit.js';
import { applianceGguf } from '../support/appliance-gguf.js';
import { hearth } from '../support/hearth.js';

const settings = {
  ...{ hostname: 'kitchen', timezone: 'UTC', port: 8080, sshKeys: [], wifi: null, apiKeys: [] },
};
const found = { nCtx: 512, neededBytes: 1, memoryMaxBytes: 2 ** 30, modelPath: '/model/a b.gguf' };

t.test('the unit serves the whole network, within its memory, as a user of its own', (t) => {
  const unit = imageUnit({ ...found, settings });
  const [, start = ''] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
  t.match(
    start,
    /^\/opt\/hearth\/bin\/node \/opt\/hearth\/dist\/cli\.js serve "\/model\/a b\.gguf" /,
  );
  t.match(start, / --host :: --port 8080 --ctx 512 /);
  t.match(start, / --allow-host kitchen --allow-host kitchen\.local --no-auth$/);
  t.match(unit, `MemoryMax=${2 ** 30}\n`);
  t.match(unit, /^OOMPolicy=continue$/m);
  t.match(unit, /^WatchdogSec=/m);
  t.end();
});

t.test('keys are handed over by systemd and never in the command', (t) => {
  const unit = imageUnit({ ...found, settings: { ...settings, apiKeys: ['secret'] } });
  t.notMatch(unit, /secret|--no-auth/);
  t.match(unit, /^LoadCredential=keys:\/etc\/hearth\/keys$/m);
  t.end();
});

t.test('what cannot be built is refused at once and leaves nothing', async (t) => {
  const folder = t.testdir({ 'no.gguf': 'not a model', models: {} });
  const model = await applianceGguf(path.join(folder, 'models'));
  const output = path.join(folder, 'disk.img');
  const image = async (...args: string[]) => await hearth(['image', ...args, '-o', output]);
  const target = ['--target', 'x64-uefi'];
  t.match(await image('no.gguf', '--target', 'vax'), { status: 2, stderr: /x64-uefi/ });
  t.match(await image(model, ...target, '--memory', '200MiB'), {
    status: 1,
    stderr: /needs .* and the device has/,
  });
  t.match(await image(path.join(folder, 'no.gguf'), ...target), { status: 1, stderr: /no\.gguf/ });
  t.match(await image('no.gguf', ...target, '--hostname', 'a"b'), {
    status: 1,
    stderr: /--hostname/,
  });
  t.notOk(existsSync(output));
  t.strictSame(readdirSync(folder).sort(), ['models', 'no.gguf']);
});
