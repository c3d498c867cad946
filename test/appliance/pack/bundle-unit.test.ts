import t from 'tap';
import { bundleUnit } from '../../../appliance/pack/bundle-unit.js';

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
