// The engine killed in the middle of an answer, a hundred times: what its caller is told, what the
// log keeps, whether the next answer comes, and whether anything is left over.
// Kills with SIGKILL, as a kernel without memory does.
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLogReader } from '../../../runtime/log/log-reader.js';
import { type Figure, figure } from '../figure.js';
import { type Answered, streamChat, user, wholeChat } from './client.js';
import { HearthProcess } from './hearth-process.js';
import { question, type Setting } from './setting.js';

const KILLS = 100;
const QUICK_KILLS = 10;
const NEXT_TOKENS = 4;
const PATIENCE_MS = 60_000;
const POLL_MS = 20;

type Counts = { clearErrors: number; nextAnswers: number; pids: number[] };

export async function measureKills(setting: Setting): Promise<Figure[]> {
  const model = setting.models.find(({ name }) => name === 'appliance');
  if (!model) return [];
  const log = `${setting.folder}/kills.db`;
  await using hearth = await HearthProcess.start({
    ...{ modelPath: model.path, threads: setting.threads, nCtx: 2048, parallel: 1, log },
  });
  const kills = setting.isQuick ? QUICK_KILLS : KILLS;
  const counts: Counts = { clearErrors: 0, nextAnswers: 0, pids: [] };
  for (let kill = 0; kill < kills; kill++) {
    setting.signal.throwIfAborted();
    await killOnce(hearth, kill, counts, setting);
    if (kill % 10 === 9) setting.note(`${kill + 1} of ${kills} kills`);
  }
  const lastPid = hearth.enginePid();
  await hearth.stop();
  const left = [...counts.pids, lastPid ?? 0].filter((pid) => existsSync(`/proc/${pid}`)).length;
  return describe(kills, counts, left, countRows(log));
}

async function killOnce(
  hearth: HearthProcess,
  kill: number,
  counts: Counts,
  setting: Setting,
): Promise<void> {
  const cut = await streamChat({
    url: hearth.url,
    messages: user(question(kill)),
    maxTokens: 1_900,
    onFirstText: () => {
      const pid = hearth.enginePid() ?? 0;
      counts.pids.push(pid);
      process.kill(pid, 'SIGKILL');
    },
  });
  if (/SIGKILL/.test(cut.error ?? '')) counts.clearErrors++;
  else setting.note(`kill ${kill}: ${cut.status} ${cut.error ?? `${cut.tokens} tokens`}`);
  const next = await nextAnswer(hearth.url, kill);
  if (next.status === 200 && next.tokens === NEXT_TOKENS) counts.nextAnswers++;
  else setting.note(`after kill ${kill}: ${next.status} ${next.error}`);
}

/** Asks again while the engine starts, which 503 says. */
async function nextAnswer(url: string, kill: number): Promise<Answered> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const messages = user(question(kill, 1));
    const answer = await wholeChat({ url, messages, maxTokens: NEXT_TOKENS });
    if (answer.status !== 503 || performance.now() > deadline) return answer;
    await sleep(POLL_MS);
  }
}

function countRows(log: string): { died: number; runs: number; answered: number } {
  const reader = openLogReader({ path: log });
  const count = (sql: string) => Number(reader.query(`SELECT count(*) AS n FROM ${sql}`)[0]?.['n']);
  try {
    return {
      died: count("answers WHERE error_code = 'HEARTH_ENGINE_DIED'"),
      answered: count('answers WHERE error_code IS NULL'),
      runs: count('run'),
    };
  } finally {
    reader.close();
  }
}

function describe(
  kills: number,
  { clearErrors, nextAnswers }: Counts,
  left: number,
  rows: { died: number; runs: number; answered: number },
): Figure[] {
  const common = { part: 'kills', model: 'appliance', details: {} };
  const all = { kind: 'at-least' as const, value: kills };
  return [
    figure({ ...common, what: `clear errors of ${kills} kills`, value: clearErrors, bar: all }),
    figure({ ...common, what: 'rows of them', value: rows.died, bar: all, details: rows }),
    figure({ ...common, what: 'next answers served', value: nextAnswers, bar: all }),
    figure({
      ...common,
      what: 'processes left over',
      value: left,
      bar: { kind: 'at-most', value: 0 },
    }),
  ];
}
