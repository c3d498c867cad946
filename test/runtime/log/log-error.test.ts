// Where npm could neither fetch nor build better-sqlite3's native program, one line says what to do.
import { createRequire } from 'node:module';
import path from 'node:path';
import t from 'tap';
import { toLogError } from '../../../runtime/log/log-error.js';
import { hearth } from '../../support/hearth.js';

const NOT_BUILT =
  /^.*better-sqlite3, .* cannot be reached npm builds it, which takes python3, make and g\+\+; .* npm rebuild better-sqlite3$/;

t.test('hearth log says what a native program that cannot be loaded takes', async (t) => {
  const folder = t.testdir({
    'log.db': '',
    'dlopen.cjs':
      "process.dlopen = () => { throw Object.assign(new Error('wrong ELF class'), { code: 'ERR_DLOPEN_FAILED' }); };",
  });
  const env = { NODE_OPTIONS: `--require=${path.join(folder, 'dlopen.cjs')}` };
  const run = await hearth(['log', '--log', path.join(folder, 'log.db')], { env });
  t.match(run, { status: 1, stdout: '' });
  t.match(run.stderr.trimEnd(), NOT_BUILT);
});

t.test('so does one that is not there, as bindings says it', async (t) => {
  const folder = t.testdir({ 'package.json': '{}' });
  const require = createRequire(createRequire(import.meta.url).resolve('better-sqlite3'));
  try {
    require('bindings')({ bindings: 'better_sqlite3.node', module_root: folder });
    t.fail('it is not there');
  } catch (error) {
    t.match(toLogError('log.db', error).message, NOT_BUILT);
  }
});
