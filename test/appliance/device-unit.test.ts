import t from 'tap';
import { bundleUnit, imageUnit } from '../../appliance/device-unit.js';

const paths = {
  nodePath: '/opt/hearth/current/app/bin/node',
  cliPath: '/opt/hearth/current/app/dist/cli.js',
  modelPath: '/opt/hearth/current/model/chat.gguf',
  configPath: '/etc/hearth/config.json',
};

t.test('a bundle without settings keeps to its own folders and the CPU', (t) => {
  const unit = bundleUnit({ ...paths, config: {}, hasVulkan: false });
  t.match(
    unit,
    /^ExecStart=.*cli\.js serve .*chat\.gguf --log-sync --config \/etc\/hearth\/config/m,
  );
  t.match(unit, /^TimeoutStopSec=120$/m);
  t.notMatch(unit, /^(ReadWritePaths|SupplementaryGroups)=/m);
  t.end();
});

t.test('what its configuration says of the outside, the unit allows', (t) => {
  const config = { log: '/data/log.db', socket: '/run/hearth/socket', deadline: '10m' };
  const unit = bundleUnit({ ...paths, config, hasVulkan: true });
  t.match(unit, /^ReadWritePaths=\/data$/m, 'its own folders are allowed anyway');
  t.match(unit, /^TimeoutStopSec=660$/m, 'the deadline and a minute');
  t.match(unit, /^SupplementaryGroups=video render$/m);
  t.throws(() => bundleUnit({ ...paths, config: { deadline: 'soon' }, hasVulkan: false }), /soon/);
  t.end();
});

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
