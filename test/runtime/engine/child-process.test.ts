// A process that is started ahead of its engine: used where it can be, and never left behind.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { forkEngineAhead } from '../../../runtime/engine/child-process.js';
import { startEngine } from '../../../runtime/engine/restarting-engine.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { childrenOf } from '../../support/processes.js';

const skip = process.platform !== 'linux';
const options = { modelPath: await applianceGguf(t.testdir()), gpu: 'off', threads: 1 } as const;

function forkedAhead(): number {
  const before = childrenOf(process.pid);
  forkEngineAhead();
  return childrenOf(process.pid).find((pid) => !before.includes(pid)) ?? 0;
}

t.test('the next engine runs in it, and the one after in its own', { skip }, async (t) => {
  const pid = forkedAhead();
  const [first, second] = [startEngine(options), startEngine(options)];
  t.teardown(() => Promise.all([first.close(), second.close()]));
  await Promise.all([first.ready(), second.ready()]);
  t.equal(first.pid, pid);
  t.not(second.pid, pid);
});

t.test('where it died meanwhile, the engine starts another', { skip }, async (t) => {
  const pid = forkedAhead();
  process.kill(pid, 'SIGKILL');
  while (childrenOf(process.pid).includes(pid)) await sleep(10);
  const engine = startEngine(options);
  t.teardown(() => engine.close());
  await engine.ready();
  t.not(engine.pid, pid);
  t.equal(engine.restarts, 0);
});

t.test('it holds up no program that starts no engine, and ends with it', { skip }, async (t) => {
  const module = new URL('../../../runtime/engine/child-process.js', import.meta.url).href;
  const program = `
    import { readFileSync } from 'node:fs';
    import { forkEngineAhead } from ${JSON.stringify(module)};
    forkEngineAhead();
    console.log(readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8'));`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said, [status]] = await Promise.all([text(parent.stdout), once(parent, 'exit')]);
  t.equal(status, 0);
  const pid = Number.parseInt(said, 10);
  t.ok(pid > 0);
  for (let waitedMs = 0; isAlive(pid) && waitedMs < 10_000; waitedMs += 50) await sleep(50);
  t.notOk(isAlive(pid));
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
