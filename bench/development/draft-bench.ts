// npm run bench:draft: what a model that drafts for another changes: no word of its answers, and how long
// they take, with drafts that are mostly right (the appliance model, pruned) and with drafts that are all
// wrong (random weights in the shape of Llama-2-7B). Exits with 1 when a bar is missed.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { convert } from '../../converter/convert.js';
import type { Engine, EngineOptions, GenerateRequest } from '../../runtime/engine/engine.js';
import { startEngine } from '../../runtime/engine/restarting-engine.js';
import { median } from '../median.js';
import { alternate } from './alternate.js';
import { type Figure, figure } from './figure.js';
import { inTemporaryFolder } from './in-temporary-folder.js';
import { unpackedFixtures } from './packed-fixtures.js';
import { reportFigures } from './report-figures.js';
import { convertedSample } from './sample-models.js';
import { makeSyntheticCheckpoint, PRUNED, type PruningRatio } from './synthetic-checkpoint.js';

const PARTS = { answers: measureAnswers, rejected: measureRejected };
type Part = keyof typeof PARTS;
const RATIOS = Object.keys(PRUNED).map(Number) as PruningRatio[];

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0: a model with and without one that drafts for it')
  .options({
    only: { describe: 'Measure these parts', choices: Object.keys(PARTS) as Part[], array: true },
    sample: {
      describe: 'Which appliance model drafts',
      choices: ['pruned-20', 'pruned-35', 'pruned-50'] as const,
      default: 'pruned-20' as const,
    },
    type: {
      describe: "Type of the appliance models' weights",
      choices: ['F16', 'Q8_0', 'Q4_K_M'] as const,
      default: 'Q4_K_M' as const,
    },
    ratio: {
      describe: 'Percent pruned of the 7B shape that drafts',
      choices: RATIOS.filter((ratio) => ratio > 0),
      default: 20 as PruningRatio,
    },
    layers: { describe: 'Layers of the 7B shape, of 32', type: 'number', default: 32 },
    tokens: { describe: 'Tokens of each of its answers', type: 'number', default: 32 },
    rounds: { describe: 'Pairs of its answers', type: 'number', default: 3 },
    json: { describe: 'Print JSON', type: 'boolean', default: false },
  })
  .strict()
  .parseAsync();

await inTemporaryFolder(async (folder, signal) => {
  const figures: Figure[] = [];
  for (const part of arguments_.only ?? (Object.keys(PARTS) as Part[]))
    figures.push(...(await PARTS[part](folder, signal)));
  reportFigures(figures, { json: arguments_.json });
});

type Answer = { text: string; tokens: number; durationMs: number; drafted: number; taken: number };

/** Held-out questions, each asked with and without drafts, greedy and with a seed. */
async function measureAnswers(folder: string, signal: AbortSignal): Promise<Figure[]> {
  const { type, sample } = arguments_;
  const modelPath = await convertedSample(folder, 'appliance/dense', type);
  const draftPath = await convertedSample(folder, `appliance/${sample}`, type);
  const engines = await startPair({ modelPath, nCtx: 512 }, draftPath);
  const ways = { greedy: { temperature: 0 }, sampled: { temperature: 1, seed: 7 } };
  const figures: Figure[] = [];
  for (const [way, sampling] of Object.entries(ways)) {
    const pairs: [Answer, Answer][] = [];
    for (const [i, question] of questions().entries()) {
      signal.throwIfAborted();
      const input = {
        kind: 'chat' as const,
        messages: [{ role: 'user' as const, content: question }],
      };
      pairs.push(await askBoth(i, engines, { input, sampling, maxTokens: 200 }));
    }
    figures.push(equalFigure(`${way} answers that are the same with drafts`, pairs));
  }
  await engines.close();
  return figures;
}

function equalFigure(what: string, pairs: [Answer, Answer][]): Figure {
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const [plain, drafting] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
  const speed = (answers: Answer[]) =>
    (sum(answers.map(({ tokens }) => tokens)) * 1000) /
    sum(answers.map(({ durationMs }) => durationMs));
  return figure({
    part: 'answers',
    what,
    model: `appliance dense, ${arguments_.sample} drafts, ${arguments_.type}`,
    value: pairs.filter(([a, b]) => a.text === b.text).length,
    bar: { kind: 'at-least', value: pairs.length },
    details: {
      accepted_share:
        sum(drafting.map(({ taken }) => taken)) / sum(drafting.map(({ drafted }) => drafted)),
      tokens_per_second: speed(plain),
      tokens_per_second_with_drafts: speed(drafting),
    },
  });
}

/** Random weights agree in nothing, so that every draft is rejected. */
async function measureRejected(folder: string, signal: AbortSignal): Promise<Figure[]> {
  const { layers: nLayer, ratio, tokens, rounds } = arguments_;
  const modelPath = await synthetic(folder, 0, nLayer);
  const draftPath = await synthetic(folder, ratio, nLayer);
  const engines = await startPair({ modelPath, nCtx: 512 }, draftPath);
  const input = { kind: 'text' as const, text: 'How loud is the Yuki C119?' };
  const pairs: [Answer, Answer][] = [];
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted();
    pairs.push(await askBoth(round, engines, { input, maxTokens: tokens }));
  }
  await engines.close();
  const perToken = ({ tokens: n, durationMs }: Answer) => durationMs / n;
  const perDraft = ([plain, drafting]: [Answer, Answer]) =>
    (drafting.durationMs - drafting.tokens * perToken(plain)) / (drafting.drafted - drafting.taken);
  return [
    figure({
      part: 'rejected',
      what: 'tokens without drafts in the time of a drafted token that is rejected',
      model: `7B shape of ${nLayer} layers, ${ratio} % pruned drafts, Q4_K_M`,
      value: median(pairs.map((pair) => perDraft(pair) / perToken(pair[0]))),
      bar: { kind: 'at-most', value: 2 },
      details: {
        ms_per_token: median(pairs.map(([plain]) => perToken(plain))),
        ms_per_rejected_token: median(pairs.map(perDraft)),
        drafted_tokens: median(pairs.map(([, { drafted }]) => drafted)),
        accepted_tokens: median(pairs.map(([, { taken }]) => taken)),
        rounds,
      },
    }),
  ];
}

async function synthetic(folder: string, ratio: PruningRatio, nLayer: number): Promise<string> {
  const output = path.join(folder, `synthetic-${ratio}.gguf`);
  const checkpoint = path.join(folder, 'checkpoint');
  await makeSyntheticCheckpoint(checkpoint, { ratio, nLayer });
  await convert({ checkpoint, output, type: 'Q4_K_M' });
  return output;
}

type DraftingPair = { plain: Engine; drafting: Engine; close(): Promise<void> };

async function startPair(options: EngineOptions, draftPath: string): Promise<DraftingPair> {
  const plain = startEngine({ gpu: 'off', ...options });
  const drafting = startEngine({ gpu: 'off', ...options, draftPath, alwaysDraft: true });
  await Promise.all([plain.ready(), drafting.ready()]);
  const close = async () => void (await Promise.all([plain.close(), drafting.close()]));
  return { plain, drafting, close };
}

function askBoth(
  round: number,
  { plain, drafting }: DraftingPair,
  request: GenerateRequest,
): Promise<[Answer, Answer]> {
  const asked = { sampling: { temperature: 0 }, ...request };
  return alternate(
    round,
    () => answer(plain, asked),
    () => answer(drafting, asked),
  );
}

async function answer(engine: Engine, request: GenerateRequest): Promise<Answer> {
  const found = { text: '', tokens: 0, durationMs: 0, drafted: 0, taken: 0 };
  for await (const event of engine.generate(request)) {
    if (event.kind === 'token') found.text += event.text;
    if (event.kind !== 'end') continue;
    const { generatedTokens, generationMs, draft } = event.timings;
    Object.assign(found, { tokens: generatedTokens - 1, durationMs: generationMs });
    Object.assign(found, { drafted: draft?.tokens ?? 0, taken: draft?.acceptedTokens ?? 0 });
  }
  return found;
}

function questions(): string[] {
  const file = path.join(unpackedFixtures(), 'appliance/corpus/heldout.jsonl');
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => (JSON.parse(line) as { q: string }).q);
}
