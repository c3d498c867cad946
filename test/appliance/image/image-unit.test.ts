import t from 'tap';
import { imageUnit } from '../../../appliance/image/image-unit.js';

t.test('the unit of an image takes settings and model from partitions of their own', (t) => {
  const unit = imageUnit();
  const [, start = ''] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
  t.equal(
    start,
    '/opt/hearth/bin/node /opt/hearth/dist/cli.js serve --log-sync --config /run/hearth-settings/serve.json --update-outcome /data/update/outcome',
  );
  t.match(unit, /^ReadOnlyPaths=\/model$/m);
  t.match(unit, /^OOMPolicy=continue$/m);
  t.match(unit, /^WatchdogSec=/m);
  t.end();
});
