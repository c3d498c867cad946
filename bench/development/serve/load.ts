// Ten thousand requests from 32 clients: what is lost, what fails, and whether memory grows.
// The queue is shorter than the clients are many, so that some are sent away with 429, as on a
// device that is asked too much; they come again when they were told to.
import { setTimeout as sleep } from 'node:timers/promises';
import { openLogReader } from '../../../runtime/log/log-reader.js';
import { median } from '../../median.js';
import { type Figure, figure } from '../figure.js';
import { type Answered, streamChat, user, wholeChat } from './client.js';
import { HearthProcess } from './hearth-process.js';
import { question, type Setting } from './setting.js';

const CLIENTS = 32;
const REQUESTS = 10_000;
const QUICK_REQUESTS = 2_000;
const WARM_REQUESTS = 1_000;
const PARALLEL = 4;
const MAX_QUEUE = CLIENTS - PARALLEL - 4;
const ANSWER_TOKENS = 4;
const SAMPLE_EVERY = 20;
const MIB = 2 ** 20;

type Counts = { sent: number; refused: number; failed: number };
type Sample = { sent: number; rssBytes: number };

export async function measureLoad(setting: Setting): Promise<Figure[]> {
  const model = setting.models.find(({ name }) => name === 'appliance');
  if (!model) return [];
  const log = `${setting.folder}/load.db`;
  await using hearth = await HearthProcess.start({
    ...{ modelPath: model.path, threads: setting.threads, nCtx: 512, parallel: PARALLEL },
    ...{ log, maxQueue: MAX_QUEUE },
  });
  const total = setting.isQuick ? QUICK_REQUESTS : REQUESTS;
  const counts = { sent: 0, refused: 0, failed: 0 };
  const samples: Sample[] = [];
  const start = performance.now();
  const clients = Array.from({ length: CLIENTS }, () =>
    runClient({ hearth, total, counts, samples, setting }),
  );
  await Promise.all(clients);
  const durationMs = performance.now() - start;
  await hearth.stop();
  return describe({ total, counts, samples, durationMs, rows: countRows(log) });
}

type Client = {
  hearth: HearthProcess;
  total: number;
  counts: Counts;
  samples: Sample[];
  setting: Setting;
};

async function runClient({ hearth, total, counts, samples, setting }: Client): Promise<void> {
  while (counts.sent < total) {
    setting.signal.throwIfAborted();
    const number = counts.sent++;
    const send = number % 2 === 0 ? streamChat : wholeChat;
    const messages = user(question(number));
    const answer = await send({ url: hearth.url, messages, maxTokens: ANSWER_TOKENS });
    if (answer.status === 429) counts.refused++;
    else if (!isWhole(answer)) {
      counts.failed++;
      setting.note(`request ${number}: ${answer.status} ${answer.error}, ${answer.tokens} tokens`);
    }
    if (number % SAMPLE_EVERY === 0)
      samples.push({ sent: counts.sent, rssBytes: hearth.memory().rssBytes });
    if (number % WARM_REQUESTS === 0) setting.note(`${number} of ${total} requests`);
    if (answer.status === 429) await sleep(1000 * answer.retryAfterS);
  }
}

function isWhole({ status, error, tokens }: Answered): boolean {
  return status === 200 && error === null && tokens === ANSWER_TOKENS;
}

function countRows(log: string): number {
  const reader = openLogReader({ path: log });
  try {
    return Number(reader.query('SELECT count(*) AS rows FROM answers')[0]?.['rows']);
  } finally {
    reader.close();
  }
}

type Loaded = {
  total: number;
  counts: Counts;
  samples: Sample[];
  durationMs: number;
  rows: number;
};

function describe({ total, counts, samples, durationMs, rows }: Loaded): Figure[] {
  const common = { part: 'load', model: 'appliance' };
  const zero = { kind: 'at-most' as const, value: 0 };
  const around = (from: number, to: number) =>
    median(samples.flatMap(({ sent, rssBytes }) => (sent > from && sent <= to ? rssBytes : [])));
  // What a hundred requests have in the middle, as garbage comes and goes.
  const warm = around(WARM_REQUESTS - 100, WARM_REQUESTS + 100);
  const last = around(total - 200, total);
  return [
    figure({
      ...common,
      what: `rows lost of ${total} requests of ${CLIENTS} clients`,
      value: Math.abs(total - rows),
      bar: zero,
      details: { rows, requests_per_second: (1000 * total) / durationMs },
    }),
    figure({
      ...common,
      what: 'errors other than 429',
      value: counts.failed,
      bar: zero,
      details: { refused_with_429: counts.refused },
    }),
    figure({
      ...common,
      what: `RSS at the end against after ${WARM_REQUESTS} requests`,
      value: last / warm,
      bar: { kind: 'at-most', value: 1.05 },
      details: { warm_mib: warm / MIB, last_mib: last / MIB },
    }),
  ];
}
