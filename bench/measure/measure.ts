// One model measured on one machine: whole answers by the engine first, for they tell how the model is
// loaded and what memory it takes; then speed, point by point, in a process of its own.
// Every point is a row in the log as soon as it is done. Prints nothing.
import type { Device } from '../../devices/catalogue/device.js';
import { describeMachine } from '../../devices/probe/machine.js';
import { MeasureError } from '../../llama/measure-error.js';
import { N_UBATCH } from '../../llama/model-settings.js';
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import { shapeOfGguf } from '../../model/shape/model-shape.js';
import type { EngineInfo, EngineOptions } from '../../runtime/engine/engine.js';
import { describeFile } from '../../runtime/engine/model-file.js';
import { startEngine } from '../../runtime/engine/restarting-engine.js';
import type { AnswerLog } from '../../runtime/log/answer-log.js';
import type { MeasurementRow } from '../../runtime/log/measurement-fields.js';
import { hashModelFile } from '../../runtime/log/model-hash.js';
import type { MachineRow, ModelRow } from '../../runtime/log/rows.js';
import { formatMemory } from '../../terminal/units.js';
import { hearthVersion } from '../../terminal/version.js';
import { untilEngineEnds } from './engine-end.js';
import { type HeldMemory, holdMemory } from './held-memory.js';
import { llamaSettings } from './llama-settings.js';
import { answerRow, type Setting, speedRow } from './measurement-row.js';
import { contextOf, defaultCtx, type Point, pointName, pointsUpTo } from './points.js';
import { isOnGpu, type PredictedColumns, predictPoints } from './predictions.js';
import { ANSWER_TOKENS, type Answer, answerRepeatedly } from './repeated-answers.js';
import { measureSpeed } from './speed-process.js';
import type { SpeedMemory } from './speed-protocol.js';

export type MeasureOptions = {
  /** How the model is loaded; `nCtx` is the longest context that is measured. */
  engine: EngineOptions;
  repeats: number;
  /** Of the answer; by default the article's 128. */
  answerTokens?: number;
  /** Whether speed is measured point by point after the answers; default true. */
  hasPoints?: boolean;
  /** Tokens in the context before a point; by default half way and at the end. */
  depths?: readonly number[];
  /** Class in the catalogue that this machine is. */
  device?: Device;
  /** What the run may take: a simulation of a smaller machine. */
  budgetBytes?: number;
  log: AnswerLog | null;
  signal: AbortSignal;
  onProgress: (text: string) => void;
  onWarning: (text: string) => void;
};

/**
 * Yields a row a point. Throws MeasureError when a process dies, EngineError when the model does not
 * load, the signal's reason when that aborts; the rows until then are good, and in the log.
 */
export async function* measure(
  options: MeasureOptions,
): AsyncGenerator<MeasurementRow, void, undefined> {
  const { log, signal, onProgress } = options;
  onProgress('reading the model');
  const header = await readGgufFile(options.engine.modelPath);
  const { nCtxTrain } = shapeOfGguf(header);
  const [machine, file] = await Promise.all([describeMachine(), describeFile(header)]);
  const hashes = log ?? { knownHash: () => null };
  const model = { ...file, sha256: await hashModelFile(hashes, file.path, { signal }) };
  const nCtx = options.engine.nCtx ?? defaultCtx(nCtxTrain);
  const engine = { ...options.engine, nCtx, parallel: 1 };
  await using held = await holdMemory(options.budgetBytes, engine.gpu);
  const run = new Run(log, { machine, model, engine });
  try {
    const { info, answers, failure } = await measureAnswers(engine, options, held);
    run.start(info);
    if (info) {
      const setting = {
        ...{ machine, model, info },
        device: options.device?.id ?? null,
        budgetBytes: options.budgetBytes ?? null,
        budgetBy: held.by,
        ballastBytes: held.ballastBytes,
      };
      const { hasPoints = true } = options;
      const points = hasPoints ? pointsUpTo(info.nCtx, options.depths) : [];
      const { ofAnswer, ofPoints } = await predict({ info, answers, points, options });
      if (answers.length > 0) yield run.record(answerRow(setting, answers, ofAnswer));
      const work = { setting, points, predicted: ofPoints, options, held };
      if (failure === null && points.length > 0)
        for await (const row of measurePoints(work)) yield run.record(row);
    }
    if (failure) throw withBudget(failure, options);
    run.end(null, signal);
  } catch (error) {
    run.end(error as Error, signal);
    throw error;
  }
}

/** What was free on the machine is no help to whoever held the run to less. */
function withBudget(failure: Error, { budgetBytes, signal }: MeasureOptions): Error {
  if (budgetBytes === undefined || signal.aborted) return failure;
  const message = `${failure.message}; the run was held to ${formatMemory(budgetBytes)}`;
  return new MeasureError(message, { cause: failure });
}

type RunOptions = { machine: MachineRow; model: ModelRow; engine: EngineOptions };

/** One start of a measurement in the log. */
class Run {
  readonly #log: AnswerLog | null;
  readonly #options: RunOptions;
  readonly #startedAtMs = Date.now();
  #id: number | null = null;
  #isLoaded = false;

  constructor(log: AnswerLog | null, options: RunOptions) {
    this.#log = log;
    this.#options = options;
  }

  start(info: EngineInfo | null): void {
    const { machine, model, engine } = this.#options;
    this.#isLoaded = info !== null;
    if (this.#log === null) return;
    this.#id = this.#log.recordRun({
      machineId: this.#log.recordMachine(machine),
      modelId: this.#log.recordModel(model),
      startedAtMs: this.#startedAtMs,
      hearthVersion: hearthVersion(),
      settings: engine,
      info,
      predicted: info?.predicted ?? null,
    });
  }

  record(row: MeasurementRow): MeasurementRow {
    this.#log?.recordMeasurement(row, this.#id);
    return row;
  }

  end(error: Error | null, signal: AbortSignal): void {
    if (this.#id === null) return;
    const isCrash = error !== null && !signal.aborted;
    this.#log?.finishRun(this.#id, {
      endedAtMs: Date.now(),
      reason: !isCrash ? 'stopped' : this.#isLoaded ? 'crashed' : 'not-loaded',
      error: isCrash ? { code: 'HEARTH_MEASURE', message: error.message } : null,
    });
  }
}

type Answered = { info: EngineInfo | null; answers: Answer[]; failure: Error | null };

/** Never throws: what was answered before a failure counts. */
async function measureAnswers(
  options: EngineOptions,
  { repeats, answerTokens = ANSWER_TOKENS, signal, onProgress }: MeasureOptions,
  held: HeldMemory,
): Promise<Answered> {
  const answered: Answered = { info: null, answers: [], failure: null };
  const engine = startEngine(options);
  try {
    if (engine.pid !== undefined) held.hold(engine.pid);
    onProgress('loading the model');
    const stop = untilEngineEnds(engine, signal);
    answered.info = await engine.ready({ signal: stop });
    const asked = { repeats, maxTokens: answerTokens, signal: stop };
    for await (const step of answerRepeatedly(engine, answered.info, asked)) {
      if (step.answer) answered.answers.push(step.answer);
      else onProgress(progressText('answer', step.repeat, repeats));
    }
  } catch (error) {
    answered.failure = error as Error;
  } finally {
    await engine.close();
  }
  return answered;
}

type ToPredict = {
  info: EngineInfo;
  answers: readonly Answer[];
  points: readonly Point[];
  options: MeasureOptions;
};

/** After the answers, which tell how long their prompt is, and before all that they do not tell. */
async function predict({ info, answers, points, options }: ToPredict) {
  const { device = null, onWarning, onProgress } = options;
  if (device && isOnGpu(device) !== isOnGpu(info))
    onWarning(
      `${device.id} computes with ${device.backend}, and this run with ${info.backend}: no speed is predicted`,
    );
  onProgress('predicting');
  const { promptTokens = 0, generatedTokens = 0 } = answers[0]?.timings ?? {};
  const answer = { nPrompt: promptTokens, nGen: generatedTokens, nDepth: 0, nCtx: info.nCtx };
  const whole = points.map((point) => {
    const nCtx = contextOf(point);
    return { ...point, nCtx, nBatch: Math.min(N_UBATCH, nCtx) };
  });
  const [ofAnswer, ...ofPoints] = await predictPoints(info, device, [answer, ...whole]);
  return { ofAnswer: ofAnswer as PredictedColumns, ofPoints };
}

type Work = {
  setting: Setting;
  points: Point[];
  /** One for each point. */
  predicted: readonly PredictedColumns[];
  options: MeasureOptions;
  held: HeldMemory;
};

/** Of a point that was cut short, the repeats that were done. */
async function* measurePoints({
  setting,
  points,
  predicted,
  options,
  held,
}: Work): AsyncGenerator<MeasurementRow, void, undefined> {
  const { repeats, signal, onProgress } = options;
  const task = { settings: llamaSettings(setting.info), points, repeats };
  const onStart = (pid: number) => held.hold(pid);
  let modelType = '';
  let samplesNs: number[] = [];
  let memory: SpeedMemory | null = null;
  let threads = 0;
  let current: number | undefined;
  const take = (): MeasurementRow[] => {
    if (current === undefined || memory === null || samplesNs.length === 0) return [];
    const of = {
      point: points[current] as Point,
      predicted: predicted[current] as PredictedColumns,
    };
    const row = speedRow(setting, { ...of, samplesNs, memory, threads, modelType });
    samplesNs = [];
    return [row];
  };
  try {
    for await (const event of measureSpeed(task, { signal, onStart })) {
      if (event.kind === 'loaded') modelType = event.modelType;
      if (event.kind === 'begin') {
        if (event.point !== current) yield* take();
        current = event.point;
        onProgress(progressText(pointName(points[current] as Point), event.repeat, repeats));
      }
      if (event.kind === 'sample') {
        samplesNs.push(event.sampleNs);
        memory = event.memory;
        threads = event.threads;
      }
    }
    yield* take();
  } catch (error) {
    yield* take();
    throw error;
  }
}

function progressText(what: string, repeat: number, repeats: number): string {
  return repeat === 0 ? `${what}: warm-up` : `${what}: ${repeat} of ${repeats}`;
}
