// A child whose parent is gone ends, whatever it is doing: it would keep gigabytes for nobody.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';

const watch = path.resolve(import.meta.dirname, '../../llama/orphan-watch.js');

/** A child that watches for this parent, and then does the work. */
function startChild(folder: string, work: string, parentPid = process.pid): ChildProcess {
  const file = path.join(folder, 'child.mjs');
  writeFileSync(
    file,
    `import { pbkdf2, pbkdf2Sync } from 'node:crypto';
     import { watchParent } from '${watch}';
     watchParent(Number(process.argv[2]));
     ${work}
     process.send('busy');`,
  );
  return fork(file, [`${parentPid}`], { execArgv: [] });
}

t.test('it ends when the channel closes, though a thread of its pool never does', async (t) => {
  const work = "pbkdf2('a', 'b', 2 ** 31 - 1, 64, 'sha512', () => {});";
  const child = startChild(t.testdir(), work);
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'message');
  child.disconnect();
  const [, signal] = await once(child, 'exit');
  t.equal(signal, 'SIGKILL');
});

t.test(
  'it ends with a blocked event loop, and a parent that was gone before it looked',
  async (t) => {
    const work = "setTimeout(() => pbkdf2Sync('a', 'b', 2 ** 31 - 1, 64, 'sha512'), 200);";
    const child = startChild(t.testdir(), work, 1);
    t.teardown(() => child.kill('SIGKILL'));
    const [, signal] = await once(child, 'exit');
    t.equal(signal, 'SIGKILL');
  },
);
