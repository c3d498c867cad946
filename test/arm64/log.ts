// The log that arm64 writes: through a kill -9 in mid-answer, read by x64's sqlite3 shell and by hearth on both.
import { execFileSync } from 'node:child_process';
import { hearth } from '../support/hearth.js';
import { ask, beginAnswer, serve } from './server.js';
import { type Arm64Setting, MODEL } from './setting.js';

const LOG = '/root/log.db';
const N_ANSWERS = 3;
const options = { modelPath: MODEL, log: LOG, more: ['--log-sync', '--log-text'] };

export async function checkLog({ system, check }: Arm64Setting): Promise<void> {
  const acknowledged: number[] = [];
  const run = async (answers: number, isKilled: boolean) => {
    await using server = await serve(system, options);
    for (let i = 0; i < answers; i++)
      acknowledged.push((await ask(server.url, 'Grüße! What is E17?', { max_tokens: 4 })).totalMs);
    // What is left here is killed.
    if (isKilled) await beginAnswer(server.url, 'Hello');
  };
  const read = () => {
    const sql = 'PRAGMA integrity_check; SELECT total_ms FROM request WHERE is_probe = 0';
    const text = execFileSync('sqlite3', [system.at(LOG), sql], { encoding: 'utf8' });
    const [integrity, ...rows] = text.trim().split('\n');
    const isThere = (ms: number) => rows.some((row) => Math.abs(Number(row) - ms) < 1e-6);
    return { integrity, nThere: acknowledged.filter(isThere).length };
  };

  await run(N_ANSWERS, true);
  const killed = read();
  check(
    killed.integrity === 'ok' && killed.nThere === N_ANSWERS,
    `log: killed in mid-answer; x64's sqlite3: integrity_check ${killed.integrity}, ${killed.nThere} of ${N_ANSWERS} acknowledged rows`,
  );
  await run(1, true);
  const { integrity, nThere } = read();
  check(
    integrity === 'ok' && nThere === N_ANSWERS + 1,
    `log: started again after it, ${nThere} of ${N_ANSWERS + 1} rows`,
  );
  const there = await system.output('hearth', 'log', '--json', '--log', LOG);
  const { stdout: here } = await hearth(['log', '--json', '--log', system.at(LOG)]);
  check(there !== '' && there === here, 'log: hearth log prints the same on both');
}
