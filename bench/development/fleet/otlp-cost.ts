// What pushing metrics costs: the time of answers with it against without, in turns, and what a server
// loads that is not asked to push any.
import { readdirSync, readFileSync } from 'node:fs';
import { median } from '../../median.js';
import { type Figure, figure } from '../figure.js';
import { HearthProcess } from '../serve/hearth-process.js';
import { startCollector } from './collector.js';
import { ask, common, ENV, LOAD } from './otlp-load.js';
import type { FleetSetting } from './setting.js';

const ANSWERS_A_TURN = 100;

/** Both are asked in turns, as the machine is never the same for long. */
export async function measureCost(setting: FleetSetting): Promise<Figure[]> {
  const rounds = setting.isQuick ? 3 : 20;
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
    ratios.push(await timeRound(plain, exporting));
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
        ...{ rounds, answers_a_round: 2 * ANSWERS_A_TURN, batches: collector.taken.length },
        ...{ lowest: Math.min(...ratios), highest: Math.max(...ratios) },
        rss_added_mib: addedMib,
      },
    }),
  ];
}

/** Each comes first and last once, so that what drifts is the same for both. */
async function timeRound(plain: HearthProcess, exporting: HearthProcess): Promise<number> {
  const times = new Map([plain, exporting].map((hearth) => [hearth, 0]));
  for (const hearth of [plain, exporting, exporting, plain])
    times.set(hearth, (times.get(hearth) ?? 0) + (await timeAnswers(hearth)));
  return (times.get(exporting) ?? 0) / (times.get(plain) ?? 1);
}

async function timeAnswers({ url }: HearthProcess): Promise<number> {
  const start = performance.now();
  await ask(url, ANSWERS_A_TURN);
  return performance.now() - start;
}

/** Who does not ask for it pays nothing: by V8's own list of what every process of hearth loaded. */
export async function countModules(setting: FleetSetting): Promise<Figure[]> {
  const collector = await startCollector();
  const [without, withOtlp] = [
    await loadedModules(setting, 'without', {}),
    await loadedModules(setting, 'with', { otlp: collector.url }),
  ];
  await collector.close();
  return [
    figure({
      ...common("OpenTelemetry's modules that are loaded without --otlp"),
      value: without,
      bar: { kind: 'at-most', value: 0 },
      details: { with_otlp: withOtlp },
    }),
  ];
}

async function loadedModules(
  { modelPath, folder }: FleetSetting,
  name: string,
  more: { otlp?: string },
): Promise<number> {
  const coverage = `${folder}/${name}`;
  const env = { NODE_V8_COVERAGE: coverage };
  const log = `${folder}/${name}.db`;
  await using hearth = await HearthProcess.start({ ...LOAD, modelPath, log, env, ...more });
  await ask(hearth.url, 1);
  await hearth.stop();
  const loaded = readdirSync(coverage).flatMap((file) => {
    const { result } = JSON.parse(readFileSync(`${coverage}/${file}`, 'utf8')) as Coverage;
    return result.map(({ url }) => url);
  });
  return new Set(loaded.filter((url) => url.includes('/@opentelemetry/'))).size;
}

type Coverage = { result: { url: string }[] };
