// Pruned models beside the unpruned one, on the user's own files: answers, speed, memory, quality, what
// fits where, and the unpruned model at equal memory.
// One model at a time is in memory, and what a model fails at costs no other its figures.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Device } from '../../devices/catalogue/device.js';
import { openFitModel } from '../../devices/fit/fit-model.js';
import { openFitter } from '../../devices/fit/fitter.js';
import type { MemoryPredictor } from '../../devices/memory/memory-prediction.js';
import { openMemoryPredictor } from '../../devices/memory/predictor.js';
import { describeMachine } from '../../devices/probe/machine.js';
import type { FileType } from '../../model/types/mixtures.js';
import type { EngineOptions } from '../../runtime/engine/engine.js';
import { plural } from '../../terminal/units.js';
import { defaultCtx } from '../measure/points.js';
import { labelsOf, readModelFile, unmeasured } from './compared-file.js';
import type { Compared, Comparison, ComparisonSetting, EqualMemory } from './comparison.js';
import { type DenseSource, openDenseSource } from './dense-source.js';
import { findOpponent, predictorLike, totalBytes } from './equal-memory.js';
import { perplexityText, rateText } from './figure-text.js';
import { type TrialOptions, timeModel, tryModel } from './trial.js';

export type CompareOptions = {
  /** GGUF files, the unpruned model's first. */
  models: readonly string[];
  engine: Omit<EngineOptions, 'modelPath'>;
  /** The context is the engine's, or the first model's up to 4096. */
  setting: Omit<ComparisonSetting, 'nCtx'>;
  /** The unpruned checkpoint, to make other types of it. */
  denseCheckpoint?: string | undefined;
  devices: readonly Device[];
  signal: AbortSignal;
  /** How far it is, several times a second. */
  onProgress: (text: string) => void;
  /** A line a model: how it did, or why it failed. */
  onNote: (text: string) => void;
};

/**
 * Measures one model after the other. An abort ends it early, with what was measured until then.
 * Rejects only where the unpruned model cannot be read, as nothing can be held beside it then, and where
 * the unpruned checkpoint that was named is of another model.
 */
export async function compare(options: CompareOptions): Promise<Comparison> {
  const folder = await mkdtemp(path.join(tmpdir(), 'hearth-compare-'));
  const predictor = openMemoryPredictor();
  try {
    const comparison = await begin(options);
    const [first] = comparison.models as [Compared];
    const source = await openDenseSource(first, options.denseCheckpoint);
    const run = new ComparisonRun({ comparison, options, folder, predictor, source });
    await run.tryAll();
    await run.predictAll();
    await run.findOpponents();
    await run.timeAll();
    comparison.isWhole = !options.signal.aborted;
    return comparison;
  } finally {
    await predictor.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function begin({ models: paths, engine, setting }: CompareOptions): Promise<Comparison> {
  const labels = labelsOf(paths);
  const models = paths.map((file, i) => unmeasured(labels[i] as string, file));
  const [first, ...others] = models as [Compared, ...Compared[]];
  first.file = await readModelFile(first.path, null);
  for (const model of others) await readFile(model, first);
  const { nCtxTrain } = first.file.sized.shape;
  return {
    startedAtMs: Date.now(),
    machine: await describeMachine(),
    setting: { ...setting, nCtx: engine.nCtx ?? defaultCtx(nCtxTrain) },
    models,
    equalMemory: [],
    made: [],
    isWhole: false,
  };
}

async function readFile(model: Compared, first: Compared): Promise<void> {
  try {
    model.file = await readModelFile(model.path, first.file);
  } catch (error) {
    model.failure = (error as Error).message;
  }
}

type RunParts = {
  comparison: Comparison;
  options: CompareOptions;
  folder: string;
  predictor: MemoryPredictor;
  source: DenseSource | null;
};

class ComparisonRun {
  readonly #parts: RunParts;

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  get #first(): Compared {
    return this.#parts.comparison.models[0] as Compared;
  }

  async tryAll(): Promise<void> {
    for (const model of this.#parts.comparison.models) await this.#try(model);
  }

  async #try(model: Compared): Promise<void> {
    const { signal, onNote } = this.#parts.options;
    if (model.file && !signal.aborted) await tryModel(model, this.#trialOf(model));
    if (!signal.aborted) onNote(`${model.label}: ${model.failure ?? qualityNote(model)}`);
  }

  #trialOf(model: Compared): TrialOptions {
    const { comparison, options, folder } = this.#parts;
    return {
      ...{ engine: options.engine, signal: options.signal, setting: comparison.setting },
      first: model === this.#first ? null : this.#first,
      rowsPath: path.join(folder, 'first.rows'),
      onProgress: (text) => options.onProgress(`${model.label}: ${text}`),
    };
  }

  /** Round by round, each in the other direction: what comes and goes on the machine meets all alike. */
  async timeAll(): Promise<void> {
    const { comparison, options } = this.#parts;
    const models = [...comparison.models, ...comparison.made];
    for (let round = 0; round < comparison.setting.repeats; round++)
      for (const model of round % 2 === 0 ? models : models.toReversed())
        if (model.failure === null && !options.signal.aborted)
          await timeModel(model, this.#trialOf(model));
    for (const { label, failure, speed } of models)
      if (speed && !options.signal.aborted)
        options.onNote(`${label}: ${failure ?? `${rateText(speed.tokensPerSecond)} tok/s`}`);
  }

  /** What each takes, and which devices hold it. */
  async predictAll(): Promise<void> {
    const { comparison, predictor, options } = this.#parts;
    const { devices, engine, signal } = options;
    const { models } = comparison;
    const fitter = openFitter(predictor);
    const { nCtx, kvType } = engine;
    for (const model of models) {
      if (!model.file || signal.aborted) continue;
      options.onProgress(`${model.label}: what fits where`);
      const { sized } = model.file;
      try {
        await this.#predict(model);
        for (const device of devices)
          model.fits.push(await fitter.fit(sized, device, { nCtx, kvType }));
      } catch (error) {
        model.failure ??= (error as Error).message;
      }
    }
  }

  async #predict(model: Compared): Promise<void> {
    if (model.file) model.predicted = await this.#predictorLike(model)(model.file.sized);
  }

  #predictorLike(model: Compared) {
    const { comparison, predictor } = this.#parts;
    const { models, setting } = comparison;
    return predictorLike(model, { models, predictor, nCtx: setting.nCtx });
  }

  async findOpponents(): Promise<void> {
    const { comparison, options } = this.#parts;
    for (const model of comparison.models) {
      if (options.signal.aborted || !model.predicted || !model.file || model.file.isUnpruned)
        continue;
      try {
        comparison.equalMemory.push(await this.#opponentOf(model));
      } catch (error) {
        options.onNote(`${model.label}: nothing of equal memory, as ${(error as Error).message}`);
      }
    }
  }

  async #opponentOf(pruned: Compared): Promise<EqualMemory> {
    const prunedBytes = pruned.predicted ? totalBytes(pruned.predicted) : 0;
    const { types } = await openFitModel(this.#first.path);
    const opponent = await findOpponent(types(), prunedBytes, this.#predictorLike(pruned));
    const dense = opponent.type === null ? null : await this.#denseOf(opponent.type);
    return { pruned, prunedBytes, ...opponent, dense };
  }

  /** As it was given, or was made before, or is made now and measured. */
  async #denseOf(type: FileType): Promise<Compared | null> {
    const { comparison, source, folder, options } = this.#parts;
    const label = `${this.#first.label} as ${type}`;
    const given = comparison.models.find(
      ({ file, failure }) => file?.isUnpruned && file.fileType === type && failure === null,
    );
    const known = given ?? comparison.made.find((made) => made.label === label);
    if (known || source === null) return known ?? null;
    const made = unmeasured(label, '');
    comparison.made.push(made);
    try {
      options.onProgress(`${label}: making it`);
      made.path = await source.make(type, { folder, signal: options.signal });
      await readFile(made, this.#first);
      await this.#try(made);
      await this.#predict(made);
    } catch (error) {
      made.failure = options.signal.aborted ? 'interrupted' : (error as Error).message;
      options.onNote(`${label}: ${made.failure}`);
    }
    return made;
  }
}

function qualityNote({ answers, quality }: Compared): string {
  const parts = [
    `${plural(answers.length, 'answer')}`,
    quality && `perplexity ${perplexityText(quality.perplexity.value)}`,
  ];
  return parts.filter(Boolean).join(', ');
}
