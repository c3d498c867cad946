// What the log costs: answers with it against answers with --no-log, from two servers in turn.
// Answers of a few sentences on the fastest model, as the log costs by the answer and not by the token.
// A hundredth is less than a shared machine's noise, so many short rounds are measured.

import { median } from '../../median.js';
import { alternate } from '../alternate.js';
import { type Figure, figure } from '../figure.js';
import { streamChat, user } from './client.js';
import { HearthProcess } from './hearth-process.js';
import { question, type Setting } from './setting.js';

const ROUNDS = 60;
const QUICK_ROUNDS = 10;
const ANSWERS = 4;
const ANSWER_TOKENS = 128;

export async function measureLogging(setting: Setting): Promise<Figure[]> {
  const model = setting.models.find(({ name }) => name === 'appliance');
  if (!model) return [];
  const load = { modelPath: model.path, threads: setting.threads, nCtx: 512, parallel: 1 };
  await using logged = await HearthProcess.start({ ...load, log: `${setting.folder}/logging.db` });
  await using unlogged = await HearthProcess.start({ ...load, log: null });
  const rounds: { loggedMs: number; unloggedMs: number }[] = [];
  for (let round = -1; round < (setting.isQuick ? QUICK_ROUNDS : ROUNDS); round++) {
    setting.signal.throwIfAborted();
    const [loggedMs, unloggedMs] = await alternate(
      round,
      () => answerTime(logged.url, round),
      () => answerTime(unlogged.url, round),
    );
    if (round >= 0) rounds.push({ loggedMs, unloggedMs });
    if (round % 10 === 9) setting.note(`${round + 1} rounds with and without the log`);
  }
  await logged.stop();
  await unlogged.stop();
  return [
    figure({
      part: 'logging',
      what: 'time of an answer with the log against without',
      model: model.name,
      value: median(rounds.map(({ loggedMs, unloggedMs }) => loggedMs / unloggedMs)),
      bar: { kind: 'at-most', value: 1.01 },
      details: {
        logged_ms: median(rounds.map(({ loggedMs }) => loggedMs)),
        unlogged_ms: median(rounds.map(({ unloggedMs }) => unloggedMs)),
        rounds: rounds.length,
      },
    }),
  ];
}

/** Median of a few answers, one after the other. */
async function answerTime(url: string, round: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < ANSWERS; i++) {
    const messages = user(question(round, i));
    const answer = await streamChat({ url, messages, maxTokens: ANSWER_TOKENS });
    if (answer.error !== null) throw new Error(`an answer failed: ${answer.error}`);
    times.push(answer.totalMs);
  }
  return median(times);
}
