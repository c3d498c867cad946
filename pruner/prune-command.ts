// hearth prune: a dense Llama becomes a smaller one, repaired and quantised, on this machine.
// stdout holds the summary, stderr the plan, how far it is and warnings.
import { mkdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { findDevice } from '../devices/catalogue/catalogue.js';
import type { Device } from '../devices/catalogue/device.js';
import type { LayerRange } from '../devices/plan/block-pruning.js';
import { openCheckpoint } from '../model/checkpoint/checkpoint.js';
import { CheckpointError } from '../model/checkpoint/checkpoint-error.js';
import { describeLlama } from '../model/shape/llama-model.js';
import { interruptible } from '../terminal/interruptible.js';
import { noteAs, print } from '../terminal/print.js';
import { removeLeftovers, temporaryPath } from '../terminal/temporary-name.js';
import { DEFAULT_TOKENS } from './calibration-flags.js';
import { defaultLayers } from './choose/default-layers.js';
import { listParts } from './dense-model.js';
import { denseTypeWithin } from './dense-type.js';
import { compareForDevice } from './for-device/compare-for-device.js';
import { readTexts } from './general-text.js';
import { planPruning, type UnplannedOptions } from './plan/plan.js';
import { planText } from './plan/plan-text.js';
import { type PruneOptions, prune } from './prune.js';
import {
  checkTarget,
  DEFAULT_SEARCH_MS,
  hasTarget,
  type PruneArguments,
  pruneOptions,
  targetOf,
  uniformOf,
} from './prune-flags.js';
import { showStages, summaryJson, summaryText, timesText } from './prune-report.js';
import { checkLength } from './split-text.js';
import type { Stage } from './stage.js';
import { StageClock } from './stage-clock.js';
import { languageNotice, shortTextNotice, unlikelyTextNotice } from './text-notices.js';
import type { UnprunedScore } from './unpruned-score.js';

const note = noteAs('prune');
export const pruneCommand: CommandModule<object, PruneArguments> = {
  command: 'prune <dense>',
  describe:
    'Make a dense Llama smaller on this machine: fewer heads and channels, repaired, quantised',
  builder: (yargs: Argv) =>
    yargs
      .positional('dense', {
        describe: 'Hugging Face folder, or a GGUF of F32, F16, BF16 or Q8_0',
        type: 'string',
        demandOption: true,
      })
      .options(pruneOptions)
      .check((argv) => checkTarget(argv))
      .example(
        '$0 prune Llama-2-7b-chat-hf --ratio 0.2 -o chat-20.gguf',
        'A fifth of the weights less',
      )
      .example('$0 prune dense-f16.gguf --size 2.1GB --type Q4_K_M -o chat.gguf', 'To a size')
      .example(
        '$0 prune Llama-2-7b-chat-hf --for rtx-3060-8gb --ctx 4096 --text mine.txt -o chat.gguf',
        'The best for that card, pruned or not',
      ),
  handler: (argv) => interruptible((signal) => run(argv, signal)),
};

async function run(argv: PruneArguments, signal: AbortSignal): Promise<void> {
  const place = path.join(os.tmpdir(), 'hearth-prune');
  await removeLeftovers(place);
  const folder = temporaryPath(place);
  await mkdir(folder, { mode: 0o700 });
  const stages = showStages();
  const clock = new StageClock();
  const onStage = (stage: Stage) => {
    clock.at(stage.name);
    stages.show(stage);
  };
  try {
    const options = await readOptions(argv, { folder, signal, onStage });
    const device = await readDevice(argv);
    warn(await languageNotice(options.text, options.checkpoint));
    if (device && !hasTarget(argv))
      await compareForDevice(
        {
          ...{ ...options, device, nCtx: argv.ctx, type: argv.type },
          minTps: argv['min-tps'] ?? null,
        },
        { stages, json: argv.json ?? false },
      );
    else await pruneToTarget(argv, { options, device, stages, clock });
  } finally {
    clock.stop();
    stages.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

type Asked = {
  options: Awaited<ReturnType<typeof readOptions>>;
  device: Device | null;
  stages: ReturnType<typeof showStages>;
  clock: StageClock;
};

async function pruneToTarget(
  argv: PruneArguments,
  { options, device, stages, clock }: Asked,
): Promise<void> {
  const begun = performance.now();
  const { type = 'Q4_K_M' } = argv;
  const target = { target: targetOf(argv), uniform: uniformOf(argv), type };
  const plan = await planPruning({ ...options, ...target }, { device, nCtx: argv.ctx });
  for (const line of planText(plan).split('\n')) note(line);
  const summary = await prune({
    ...{ ...options, ...target },
    headerBytes: plan.headerBytes,
    quantised: plan.size.quantised,
    onTimes: (times) => note(timesText(times)),
  });
  const spent = clock.stop();
  stages.stop();
  for (const warning of summary.convert.warnings) warn(warning);
  if (!Number.isFinite(summary.judgement.file.perplexity.value)) warn(BROKEN_FILE_NOTICE);
  const reported = { ...summary, spent, durationMs: performance.now() - begun };
  print(argv.json ? JSON.stringify(summaryJson(reported), null, 2) : summaryText(reported));
}

const BROKEN_FILE_NOTICE =
  'the file computes numbers that are not finite on the text held out, as it overflows half precision; take --type BF16';
const OVERFLOW_NOTICE =
  'the unpruned model overflows half precision on this text, and is calibrated as BF16';

function warn(notice: string | null): void {
  if (notice !== null) note(`warning: ${notice}`);
}

async function readOptions(
  argv: PruneArguments,
  { folder, signal, onStage }: Pick<PruneOptions, 'folder' | 'signal' | 'onStage'>,
) {
  const { dense: checkpoint, tokens: nTokens = DEFAULT_TOKENS } = argv;
  const model = describeLlama(await openCheckpoint(checkpoint, { signal }));
  const layers = argv.layers ?? defaultLayers(model.layers.length);
  checkLayers(layers, model.layers.length, checkpoint);
  const { texts, names } = await readTexts(argv.text ?? []);
  checkLength(texts, names);
  const memoryBytes = argv.memory;
  const budgetBytes = memoryBytes ?? process.availableMemory();
  const parts = listParts(model, layers);
  const asked = { budgetBytes, parts, outputType: argv.type, path: checkpoint };
  const denseType = denseTypeWithin(model, { ...asked, repair: argv.repair });
  return {
    ...{ checkpoint, nTokens, layers, folder, signal, onStage, memoryBytes, denseType },
    ...{ lora: argv.lora, tokenizer: argv.tokenizer, chatTemplate: argv['chat-template'] },
    ...{ name: argv.name, gpu: argv.gpu, threads: argv.threads, repair: argv.repair },
    ...{ output: argv.output as string, force: argv.force ?? false },
    ...{ text: texts, datasets: names, calibration: argv.calibration },
    keepCalibration: argv['keep-calibration'],
    searchMs: argv.search ?? DEFAULT_SEARCH_MS,
    onTokens: (nTokens: number) => warn(shortTextNotice(nTokens)),
    onOverflow: () => warn(OVERFLOW_NOTICE),
    onUnpruned: ({ natsPerByte }: UnprunedScore) => warn(unlikelyTextNotice(natsPerByte)),
  } satisfies Omit<UnplannedOptions, 'target' | 'uniform' | 'type'>;
}

async function readDevice({ for: name, devices }: PruneArguments) {
  return name === undefined ? null : await findDevice(name, { files: devices });
}

function checkLayers({ first, last }: LayerRange, nLayer: number, checkpoint: string): void {
  if (first <= last && last < nLayer) return;
  throw new CheckpointError(
    checkpoint,
    `has layers 0 to ${nLayer - 1}; --layers ${first}-${last} is not a range of them`,
  );
}
