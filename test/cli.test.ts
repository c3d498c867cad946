import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { applianceGguf } from './support/appliance-gguf.js';
import { cli } from './support/hearth.js';
import { packageRoot } from './support/samples.js';

/** Exit code of hearth whose `stream` nobody reads from the start. */
async function exitUnread(stream: 'stdout' | 'stderr', words: string[]): Promise<number> {
  const child = execFile(process.execPath, [cli, ...words]);
  child[stream]?.destroy();
  const [code] = await once(child, 'exit');
  return code;
}

t.test('work is done to its end though nobody reads what is said of it', async (t) => {
  const folder = t.testdir();
  const rows = path.join(packageRoot, 'bench/results/appliance-cpu.jsonl');
  const log = path.join(folder, 'log.db');
  t.equal(await exitUnread('stderr', ['results', 'import', rows, '--log', log]), 0);
  t.ok(existsSync(log));
});

t.test('a report is written though nobody reads the tables', async (t) => {
  const folder = t.testdir();
  const model = await applianceGguf(folder);
  const report = path.join(folder, 'report.html');
  const small = ['--no-text', '--repeats', '1', '--max-tokens', '4', '--threads', '1'];
  const words = ['compare', model, model, ...small, '--gpu', 'off', '--report', report];
  t.equal(await exitUnread('stdout', words), 0);
  t.ok(existsSync(report));
});
