// Answers that reach a collector: a thousand while it is down, the device killed twice, then all of
// them once. What that costs is otlp-cost.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { type Figure, figure } from '../figure.js';
import { freePort } from '../free-port.js';
import { HearthProcess } from '../serve/hearth-process.js';
import { type Collector, startCollector } from './collector.js';
import { countModules, measureCost } from './otlp-cost.js';
import { ask, common, ENV, LOAD } from './otlp-load.js';
import type { FleetSetting } from './setting.js';

const ANSWERS = 1000;

export async function measureOtlp(setting: FleetSetting): Promise<Figure[]> {
  return [
    ...(await countOnce(setting)),
    ...(await countModules(setting)),
    ...(await measureCost(setting)),
  ];
}

async function countOnce(setting: FleetSetting): Promise<Figure[]> {
  const answers = setting.isQuick ? ANSWERS / 10 : ANSWERS;
  // Where nobody listens while the collector is down.
  const port = await freePort();
  const log = `${setting.folder}/otlp.db`;
  const options = { ...LOAD, modelPath: setting.modelPath, log };
  const start = () =>
    HearthProcess.start({ ...options, otlp: `http://127.0.0.1:${port}`, env: ENV });
  for (const share of [0.4, 0.3]) {
    await using killed = await start();
    await ask(killed.url, answers * share);
    setting.note(`${answers * share} answers, then SIGKILL`);
  }
  await using hearth = await start();
  await ask(hearth.url, answers * 0.3);
  setting.note('the collector comes back, and loses its first reply');
  const collector = await startCollector(port);
  collector.fault = { kind: 'lost-reply' };
  while (collector.taken.length === 0) await sleep(50);
  collector.fault = null;
  const rows = rowsIn(log);
  const deadline = Date.now() + 120_000;
  while (collector.total('hearth.answers') < rows && Date.now() < deadline) await sleep(100);
  await hearth.stop();
  const counted = collector.total('hearth.answers');
  await collector.close();
  return [
    figure({
      ...common('answers counted by the collector, of those that clients got'),
      value: counted / answers,
      bar: { kind: 'at-least', value: 1 },
      details: details(collector, { counted, rows_in_log: rows, answers }),
    }),
    figure({
      ...common('answers counted twice'),
      value: Math.max(0, counted - answers),
      bar: { kind: 'at-most', value: 0 },
      details: { data_points_sent_again: collector.dropped },
    }),
  ];
}

function details({ taken, dropped }: Collector, more: Record<string, number>) {
  return { ...more, batches: taken.length, data_points_sent_again: dropped };
}

function rowsIn(log: string): number {
  const db = new Database(log, { readonly: true });
  const rows = db.prepare('SELECT count(*) FROM request WHERE NOT is_probe').pluck().get();
  db.close();
  return rows as number;
}
