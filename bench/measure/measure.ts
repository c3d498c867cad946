// One model measured on one machine: whole answers by the engine first, for they tell how the model is
// loaded and what memory it takes; then speed, point by point, in a process of its own.
// Every point is a row in the log as soon as it is done.
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
import { type HeldMemory, holdMemory } from './held-memory.js';
import { llamaSettings, untilEngineEnds } from './measured-engine.js';
import { answerRow, type MeasuredSetting, type SpeedSamples, speedRow } from './measurement-row.js';
import { contextOf, defaultCtx, type MeasuredPoint, pointName, pointsUpTo } from './points.js';
import { isOnGpu, type PredictedColumns, predictPoints } from './predictions.js';
import { ANSWER_TOKENS, answerRepeatedly, type TimedAnswer } from './repeated-answers.js';
import { measureSpeed } from './speed-process.js';
import type { SpeedEvent } from './speed-protocol.js';

export type MeasureOptions = {
  /** How the model is loaded; `nCtx` is the longest context that is measured. */
  engine: EngineOptions;
  repeats: number;
  /** Of the answer; default 128. */
  answerTokens?: number | undefined;
  /** Whether speed is measured point by point after the answers; default true. */
  hasPoints?: boolean;
  /** Tokens in the context before a point; by default half way and at the end. */
  depths?: readonly number[] | undefined;
  /** Class in the catalogue that this machine is. */
  device: Device | null;
  /** What the run may take: a simulation of a smaller machine. */
  budgetBytes?: number | undefined;
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
  const startedAtMs = Date.now();
  const { info, answers, failure } = await measureAnswers(engine, options, held);
  const run = logRun(options, { startedAtMs, machine, model, engine, info });
  try {
    if (info) {
      const { device, budgetBytes = null, hasPoints = true } = options;
      const { by: budgetBy, ballastBytes } = held;
      const budget = { budgetBytes, budgetBy, ballastBytes };
      const setting = { machine, model, info, device: device?.id ?? null, ...budget };
      const points = hasPoints ? pointsUpTo(info.nCtx, options.depths) : [];
      const [ofAnswer, ...ofPoints] = await predict(info, answers, points, options);
      if (answers.length > 0)
        yield run.record(answerRow(setting, answers, ofAnswer as PredictedColumns));
      const predicted = points.map((point, i) => ({
        point,
        predicted: ofPoints[i] as PredictedColumns,
      }));
      if (failure === null && points.length > 0)
        for await (const row of measurePoints(predicted, setting, options, held))
          yield run.record(row);
    }
    if (failure) throw withBudget(failure, options);
    run.end(null);
  } catch (error) {
    run.end(error as Error);
    throw error;
  }
}

/** What was free on the machine is no help to whoever held the run to less. */
function withBudget(failure: Error, { budgetBytes, signal }: MeasureOptions): Error {
  if (budgetBytes === undefined || signal.aborted) return failure;
  const message = `${failure.message}; the run was held to ${formatMemory(budgetBytes)}`;
  return new MeasureError(message, { cause: failure });
}

type StartedRun = {
  startedAtMs: number;
  machine: MachineRow;
  model: ModelRow;
  engine: EngineOptions;
} & Pick<MeasuredAnswers, 'info'>;

/** One start of a measurement in the log. */
function logRun({ log, signal }: MeasureOptions, started: StartedRun) {
  const { startedAtMs, machine, model, engine: settings, info } = started;
  const runId = log?.recordRun({
    machineId: log.recordMachine(machine),
    modelId: log.recordModel(model),
    startedAtMs,
    hearthVersion: hearthVersion(),
    settings,
    info,
  });
  return {
    record(row: MeasurementRow): MeasurementRow {
      log?.recordMeasurement(row, runId ?? null);
      return row;
    },
    end(error: Error | null): void {
      if (runId === undefined) return;
      const isCrash = error !== null && !signal.aborted;
      log?.finishRun(runId, {
        endedAtMs: Date.now(),
        reason: !isCrash ? 'stopped' : info ? 'crashed' : 'not-loaded',
        error: isCrash ? { code: 'HEARTH_MEASURE', message: error.message } : null,
      });
    },
  };
}

type MeasuredAnswers = {
  info: EngineInfo | null;
  answers: TimedAnswer[];
  failure: Error | null;
};

/** Never throws: what was answered before a failure counts. */
async function measureAnswers(
  options: EngineOptions,
  { repeats, answerTokens = ANSWER_TOKENS, signal, onProgress }: MeasureOptions,
  held: HeldMemory,
): Promise<MeasuredAnswers> {
  const answered: MeasuredAnswers = { info: null, answers: [], failure: null };
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

/**
 * Of the answer, and of each point; after the answers, which tell how long their prompt is, and before all
 * that they do not tell.
 */
async function predict(
  info: EngineInfo,
  answers: readonly TimedAnswer[],
  points: readonly MeasuredPoint[],
  { device, onWarning, onProgress }: MeasureOptions,
): Promise<PredictedColumns[]> {
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
  return await predictPoints(info, device, [answer, ...whole]);
}

type PredictedSpeed = Pick<SpeedSamples, 'point' | 'predicted'>;

/** Of a point that was cut short, the repeats that were done. */
async function* measurePoints(
  points: PredictedSpeed[],
  setting: MeasuredSetting,
  { repeats, signal, onProgress }: MeasureOptions,
  held: HeldMemory,
): AsyncGenerator<MeasurementRow, void, undefined> {
  const settings = llamaSettings(setting.info);
  const task = { settings, points: points.map(({ point }) => point), repeats };
  const onStart = (pid: number) => held.hold(pid);
  let modelType = '';
  let current: PredictedSpeed | undefined;
  let samples: Extract<SpeedEvent, { kind: 'sample' }>[] = [];
  const take = (): MeasurementRow[] => {
    const last = samples.at(-1);
    if (!current || !last) return [];
    const samplesNs = samples.map(({ sampleNs }) => sampleNs);
    samples = [];
    return [speedRow(setting, { ...last, ...current, samplesNs, modelType })];
  };
  try {
    for await (const event of measureSpeed(task, { signal, onStart })) {
      if (event.kind === 'loaded') modelType = event.modelType;
      if (event.kind === 'sample') samples.push(event);
      if (event.kind !== 'begin') continue;
      const next = points[event.point] as PredictedSpeed;
      if (next !== current) yield* take();
      current = next;
      onProgress(progressText(pointName(next.point), event.repeat, repeats));
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
