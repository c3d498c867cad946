// From the start of the program to its first token, against bare node-llama-cpp: both from the
// start of their process, the file in the page cache, no mmap.
// The log is kept from round to round, as a device would keep it.

import { readFile } from 'node:fs/promises';
import { median } from '../../median.js';
import { alternate } from '../alternate.js';
import { type Figure, figure } from '../figure.js';
import { BareProcess } from './bare-process.js';
import { streamChat, user } from './client.js';
import { HearthProcess } from './hearth-process.js';
import { type BenchModel, bareLoad, question, type Setting } from './setting.js';

export async function measureStart(setting: Setting): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const model of setting.models.filter(({ name }) => name === 'synthetic'))
    figures.push(await measureModel(model, setting));
  return figures;
}

const N_CTX = 512;

async function measureModel(model: BenchModel, setting: Setting): Promise<Figure> {
  await readFile(model.path);
  const rounds: { hearthMs: number; bareMs: number }[] = [];
  for (let round = -1; round < model.rounds; round++) {
    setting.signal.throwIfAborted();
    const [hearthMs, bareMs] = await alternate(
      round,
      () => startHearth(model, setting),
      () => startBare(model, setting),
    );
    setting.note(`${model.name} ${round}: ${hearthMs.toFixed(0)} ms, bare ${bareMs.toFixed(0)} ms`);
    if (round >= 0) rounds.push({ hearthMs, bareMs });
  }
  return figure({
    part: 'start',
    what: 'from start to first token against bare node-llama-cpp',
    model: model.name,
    value: median(rounds.map(({ hearthMs, bareMs }) => hearthMs / bareMs)),
    bar: { kind: 'at-most', value: 1.2 },
    details: {
      hearth_ms: median(rounds.map(({ hearthMs }) => hearthMs)),
      bare_ms: median(rounds.map(({ bareMs }) => bareMs)),
      rounds: rounds.length,
    },
  });
}

async function startHearth(model: BenchModel, { threads, folder }: Setting): Promise<number> {
  const start = performance.now();
  await using hearth = await HearthProcess.start({
    ...{ modelPath: model.path, threads, nCtx: N_CTX, parallel: 1 },
    log: `${folder}/start.db`,
  });
  let firstTextAt = 0;
  const answer = await streamChat({
    url: hearth.url,
    messages: user(question(0)),
    maxTokens: 2,
    onFirstText: () => {
      firstTextAt = performance.now();
    },
  });
  if (answer.error !== null) throw new Error(`the first answer failed: ${answer.error}`);
  await hearth.stop();
  return firstTextAt - start;
}

async function startBare(model: BenchModel, { threads }: Setting): Promise<number> {
  const start = performance.now();
  const load = { modelPath: model.path, threads, nCtx: N_CTX, parallel: 1 };
  await using bare = await BareProcess.start(bareLoad(load, model));
  const asked = performance.now();
  const { answers } = await bare.answer([question(0)], 2);
  return asked - start + (answers[0]?.firstTokenMs ?? Number.NaN);
}
