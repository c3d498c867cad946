import t from 'tap';
import { imageUnit } from '../../../appliance/image/image-unit.js';

const settings = {
  ...{ hostname: 'kitchen', timezone: 'UTC', port: 8080, sshKeys: [], wifi: null, apiKeys: [] },
};
const found = { nCtx: 512, neededBytes: 1, memoryMaxBytes: 2 ** 30, modelPath: '/model/a b.gguf' };

t.test(
  'the unit of an image serves the whole network, within its memory, as a user of its own',
  (t) => {
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
  },
);

t.test('keys of an image are handed over by systemd and never in the command', (t) => {
  const unit = imageUnit({ ...found, settings: { ...settings, apiKeys: ['secret'] } });
  t.notMatch(unit, /secret|--no-auth/);
  t.match(unit, /^LoadCredential=keys:\/etc\/hearth\/keys$/m);
  t.end();
});
