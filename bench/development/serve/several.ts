// Two models where the memory is for one and a half: eight clients ask now the one and now the other, so
// that each has to give way again and again. What fails, what is lost, and whether the budget holds.
import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLogReader } from '../../../runtime/log/log-reader.js';
import { MemoryPlanner } from '../../../runtime/models/memory-planner.js';
import { type Figure, figure } from '../figure.js';
import { streamChat, user, wholeChat } from './client.js';
import { HearthProcess } from './hearth-process.js';
import { type BenchModel, question, type Setting } from './setting.js';

const CLIENTS = 8;
const REQUESTS = 500;
const QUICK_REQUESTS = 80;
const PARALLEL = 4;
const N_CTX = 512;
const ANSWER_TOKENS = 4;
const SAMPLE_MS = 100;
const MIB = 2 ** 20;
/** What --memory keeps for hearth itself and for what prediction misses. */
const KEPT_BYTES = 130 * MIB;

type Seen = { sent: number; failed: number; longestMs: number; peakBytes: number };

export async function measureSeveral(setting: Setting): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const model of setting.models) figures.push(...(await measureModel(model, setting)));
  return figures;
}

async function measureModel(model: BenchModel, setting: Setting): Promise<Figure[]> {
  const { folder, isQuick, signal } = setting;
  const other = path.join(folder, `other-${model.name}.gguf`);
  await symlink(path.resolve(model.path), other);
  const names = [model.path, other].map((file) => path.basename(file, '.gguf'));
  const load = { modelPath: model.path, threads: setting.threads, nCtx: N_CTX, parallel: PARALLEL };
  const memoryBytes = await memoryFor(1.5, load);
  const log = `${folder}/several-${model.name}.db`;
  await using hearth = await HearthProcess.start({
    ...{ ...load, log },
    more: [other, '--memory', `${Math.ceil(memoryBytes / MIB)}MiB`],
  });
  const total = isQuick ? QUICK_REQUESTS : REQUESTS;
  const seen = { sent: 0, failed: 0, longestMs: 0, peakBytes: 0 };
  const watched = new AbortController();
  const watching = watchMemory(hearth, seen, watched.signal);
  const runClient = async () => {
    while (seen.sent < total) {
      signal.throwIfAborted();
      await ask(hearth.url, seen, names, setting);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, runClient));
  watched.abort();
  await watching;
  await hearth.stop();
  return describe(model, { total, seen, memoryBytes, ...readLog(log) });
}

/** So much that `models` of them fit at once. */
async function memoryFor(
  models: number,
  { modelPath, nCtx, parallel }: { modelPath: string; nCtx: number; parallel: number },
): Promise<number> {
  const settings = { modelPath, nCtx, parallel, gpu: 'off' as const };
  const { neededBytes } = await new MemoryPlanner(Number.MAX_SAFE_INTEGER).plan(settings, 0);
  return models * neededBytes + KEPT_BYTES;
}

async function ask(url: string, seen: Seen, names: string[], setting: Setting): Promise<void> {
  const number = seen.sent++;
  const send = number % 3 === 0 ? wholeChat : streamChat;
  const model = names[number % 2] ?? '';
  const messages = user(question(number));
  const answer = await send({ url, model, messages, maxTokens: ANSWER_TOKENS });
  seen.longestMs = Math.max(seen.longestMs, answer.totalMs);
  if (answer.status === 200 && answer.error === null && answer.tokens === ANSWER_TOKENS) return;
  seen.failed++;
  setting.note(`request ${number} of ${model}: ${answer.status} ${answer.error}`);
}

async function watchMemory(hearth: HearthProcess, seen: Seen, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    seen.peakBytes = Math.max(seen.peakBytes, hearth.memory().rssBytes);
    await sleep(SAMPLE_MS);
  }
}

function readLog(log: string): { rows: number; loads: number } {
  const reader = openLogReader({ path: log });
  try {
    const count = (sql: string) => Number(reader.query(sql)[0]?.['n']);
    return {
      rows: count('SELECT count(*) AS n FROM answers'),
      loads: count('SELECT count(*) AS n FROM run'),
    };
  } finally {
    reader.close();
  }
}

type Several = { total: number; seen: Seen; memoryBytes: number; rows: number; loads: number };

function describe(model: BenchModel, { total, seen, memoryBytes, rows, loads }: Several): Figure[] {
  const common = { part: 'several', model: model.name };
  const zero = { kind: 'at-most' as const, value: 0 };
  return [
    figure({
      ...common,
      what: `errors of ${total} requests for two models in turn, ${CLIENTS} clients`,
      value: seen.failed,
      bar: zero,
      details: { loads, longest_answer_ms: seen.longestMs },
    }),
    figure({
      ...common,
      what: 'rows lost of them',
      value: Math.abs(total - rows),
      bar: zero,
      details: { rows },
    }),
    figure({
      ...common,
      what: 'highest RSS of the whole program against --memory',
      value: seen.peakBytes / memoryBytes,
      bar: { kind: 'at-most', value: 1 },
      details: { peak_mib: seen.peakBytes / MIB, memory_mib: memoryBytes / MIB },
    }),
  ];
}
