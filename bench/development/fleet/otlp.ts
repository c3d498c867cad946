// Answers that reach a collector: a thousand while it is down, the device killed twice, then all of
// them once; what exporting costs, and that who does not ask for it pays nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { median } from '../../median.js';
import { type Figure, figure } from '../figure.js';
import { user, wholeChat } from '../serve/client.js';
import { HearthProcess } from '../serve/hearth-process.js';
import { type Collector, startCollector } from './collector.js';
import type { FleetSetting } from './setting.js';

const ANSWERS = 1000;
const CLIENTS = 4;
const MAX_TOKENS = 8;
const ANSWERS_A_ROUND = 200;
const LOAD = { threads: 1, nCtx: 512, parallel: CLIENTS };
/** Often, so that its cost is seen: sixty times as often as by default. */
const ENV = { OTEL_METRIC_EXPORT_INTERVAL: '1000', OTEL_EXPORTER_OTLP_TIMEOUT: '2000' };

export async function measureOtlp(setting: FleetSetting): Promise<Figure[]> {
  return [...(await countOnce(setting)), ...(await measureCost(setting))];
}

/** A free port, where nobody listens while the collector is down. */
async function freePort(): Promise<number> {
  const collector = await startCollector();
  await collector.close();
  return Number(new URL(collector.url).port);
}

async function countOnce(setting: FleetSetting): Promise<Figure[]> {
  const answers = setting.isQuick ? ANSWERS / 10 : ANSWERS;
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
      ...common('answers counted by the collector, of those in the log'),
      value: counted / rows,
      bar: { kind: 'at-least', value: 1 },
      details: details(collector, { counted, rows, asked: answers }),
    }),
    figure({
      ...common('answers counted twice'),
      value: Math.max(0, counted - rows),
      bar: { kind: 'at-most', value: 0 },
      details: { data_points_sent_again: collector.dropped },
    }),
  ];
}

function details({ taken, dropped }: Collector, more: Record<string, number>) {
  return { ...more, batches: taken.length, data_points_sent_again: dropped };
}

function common(what: string) {
  return { part: 'otlp', what, model: 'appliance' };
}

function rowsIn(log: string): number {
  const db = new Database(log, { readonly: true });
  const rows = db.prepare('SELECT count(*) FROM request WHERE NOT is_probe').pluck().get();
  db.close();
  return rows as number;
}

async function ask(url: string, count: number): Promise<void> {
  let left = count;
  const client = async () => {
    while (left-- > 0) {
      const { error } = await wholeChat({ url, messages: user(`${left}`), maxTokens: MAX_TOKENS });
      if (error !== null) throw new Error(`an answer failed: ${error}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

/** Rounds with and without take turns, as the machine is never the same for long. */
async function measureCost(setting: FleetSetting): Promise<Figure[]> {
  const rounds = setting.isQuick ? 3 : 15;
  const collector = await startCollector();
  const options = { ...LOAD, modelPath: setting.modelPath };
  await using plain = await HearthProcess.start({ ...options, log: `${setting.folder}/plain.db` });
  await using exporting = await HearthProcess.start({
    ...{ ...options, log: `${setting.folder}/exporting.db`, otlp: collector.url },
    env: ENV,
  });
  await Promise.all([timeAnswers(plain), timeAnswers(exporting)]);
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    setting.signal.throwIfAborted();
    ratios.push(await timeRound(plain, exporting, round));
    setting.note(`round ${round}: ${ratios.at(-1)?.toFixed(3)}`);
  }
  const addedMib = (exporting.memory().rssBytes - plain.memory().rssBytes) / 2 ** 20;
  await Promise.all([plain.stop(), exporting.stop()]);
  await collector.close();
  return [
    figure({
      ...common('time of answers with --otlp every second against without, median of rounds'),
      value: median(ratios),
      bar: { kind: 'at-most', value: 1.01 },
      details: {
        ...{ rounds, answers_a_round: ANSWERS_A_ROUND, batches: collector.taken.length },
        ...{ lowest: Math.min(...ratios), highest: Math.max(...ratios) },
        rss_added_mib: addedMib,
      },
    }),
  ];
}

/** Which of the two comes first changes. */
async function timeRound(plain: HearthProcess, exporting: HearthProcess, round: number) {
  const order = round % 2 === 0 ? [plain, exporting] : [exporting, plain];
  const times = new Map<HearthProcess, number>();
  for (const hearth of order) times.set(hearth, await timeAnswers(hearth));
  return (times.get(exporting) ?? 0) / (times.get(plain) ?? 1);
}

async function timeAnswers({ url }: HearthProcess): Promise<number> {
  const start = performance.now();
  await ask(url, ANSWERS_A_ROUND);
  return performance.now() - start;
}
