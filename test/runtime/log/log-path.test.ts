import { homedir } from 'node:os';
import t from 'tap';
import { defaultLogPath } from '../../../runtime/log/log-path.js';

t.test('the XDG folder for state, where it is set and absolute', (t) => {
  const inHome = `${homedir()}/.local/state/hearth/log.db`;
  t.equal(defaultLogPath({ XDG_STATE_HOME: '/var/state' }), '/var/state/hearth/log.db');
  for (const env of [{}, { XDG_STATE_HOME: '' }, { XDG_STATE_HOME: 'relative' }])
    t.equal(defaultLogPath(env), inHome);
  t.end();
});
