// The runs of an engine in the log, and what belongs to a run: its rows, its samples, its end.
// The machine is described while the model loads, and the engine tells of the file; rows that come
// before both are known wait.
import { freemem } from 'node:os';
import { describeMachine, readTemperatures } from '../../devices/probe/machine.js';
import type {
  Engine,
  EngineFailure,
  EngineInfo,
  EngineOptions,
  EngineState,
  ModelFile,
} from '../engine/engine.js';
import { describeFile } from '../engine/model-file.js';
import type { AnswerLog } from './answer-log.js';
import { failureRowError, type RequestFields } from './answer-record.js';
import { hashModelFile } from './model-hash.js';

type RunRecorderOptions = {
  engine: Engine;
  log: AnswerLog;
  settings: EngineOptions;
  hearthVersion: string;
  knownFile?: ModelFile | null;
  sampleEveryMs: number;
  isBusy: () => boolean;
  onWarning?: (message: string) => void;
};

type RunIds = { machineId: number; modelId: number };

/** Answers can only come once the model is loaded, when the ids are mostly known. */
const MAX_WAITING = 1_000;

export class RunRecorder {
  readonly #options: RunRecorderOptions;
  /** Null where the engine gave up, or the recorder is closed, before the engine has read it. */
  readonly #file: Promise<ModelFile | null>;
  #fileIsKnown: (file: ModelFile | null) => void = () => {};
  readonly #ids: Promise<RunIds | null>;
  readonly #stopHashing = new AbortController();
  readonly #stopListening: () => void;
  readonly #sampling: NodeJS.Timeout;
  /** Resolves when rows are written at once: there is a run, or it is known that there is none. */
  readonly writable: Promise<void>;
  #becomeWritable: () => void = () => {};
  /** Starts and ends of runs, one after the other. */
  #steps: Promise<void>;
  #waiting: ((runId: number) => void)[] = [];
  #runId: number | null = null;
  #isOpen = false;
  #startedAtMs = Date.now();
  unrecordedRows = 0;

  constructor(options: RunRecorderOptions) {
    this.#options = options;
    this.writable = new Promise((resolve) => {
      this.#becomeWritable = resolve;
    });
    this.#file = new Promise((resolve) => {
      this.#fileIsKnown = resolve;
    });
    this.#ids = this.#describe();
    this.#steps = this.#ids.then(() => undefined);
    this.#stopListening = options.engine.onState((state) => this.#changed(state));
    this.#changed(options.engine.state);
    this.#sampling = setInterval(() => void this.#sample(), options.sampleEveryMs).unref();
  }

  recordRequest(row: RequestFields): void {
    const { log } = this.#options;
    if (this.#runId !== null) log.recordRequest({ ...row, runId: this.#runId });
    else if (this.#waiting.length < MAX_WAITING)
      this.#waiting.push((runId) => log.recordRequest({ ...row, runId }));
    else this.unrecordedRows++;
  }

  async close(): Promise<void> {
    clearInterval(this.#sampling);
    this.#stopListening();
    this.#stopHashing.abort();
    this.#fileIsKnown(null);
    this.#then(() => this.#stopped());
    await this.#steps;
  }

  async #describe(): Promise<RunIds | null> {
    const { log } = this.#options;
    try {
      const [machine, file] = await Promise.all([describeMachine(), this.#modelFile()]);
      if (file === null) {
        this.#becomeWritable();
        return null;
      }
      const modelId = log.recordModel({ ...file, sha256: log.knownHash(file) });
      return { machineId: log.recordMachine(machine), modelId };
    } catch (error) {
      this.#warn(`answers are not recorded: ${(error as Error).message}`);
      this.#becomeWritable();
      return null;
    }
  }

  /** Read here where the engine died too early to tell; null for what never was a model: it has no runs. */
  async #modelFile(): Promise<ModelFile | null> {
    const told = await this.#file;
    if (told) return told;
    const { readGgufFile } = await import('../../model/gguf/gguf-file.js');
    try {
      return await describeFile(await readGgufFile(this.#options.settings.modelPath));
    } catch {
      return this.#options.knownFile ?? null;
    }
  }

  #changed(state: EngineState): void {
    const { file } = this.#options.engine;
    if (file || state.kind === 'failed') this.#fileIsKnown(file);
    if (state.kind === 'loading' && state.progress === 0) this.#startedAtMs = Date.now();
    if (state.kind === 'ready') this.#then(() => this.#started());
    if (state.kind === 'restarting' || state.kind === 'failed')
      this.#then(() => this.#failed(state.failure));
  }

  async #started(): Promise<void> {
    const { engine } = this.#options;
    if (this.#isOpen || engine.info === null) return;
    const memory = await engine.memory().catch(() => null);
    const measuredTotalBytes = memory && memory.rssBytes + (memory.deviceAfterBytes ?? 0);
    const ids = await this.#begin(engine.info, measuredTotalBytes);
    if (ids) void this.#hash(ids);
  }

  async #begin(info: EngineInfo | null, measuredTotalBytes: number | null): Promise<RunIds | null> {
    const { log, settings, hearthVersion } = this.#options;
    const ids = await this.#ids;
    if (ids === null) return null;
    const row = { ...ids, hearthVersion, settings, info, measuredTotalBytes };
    this.#runId = log.recordRun({ ...row, startedAtMs: this.#startedAtMs });
    this.#isOpen = true;
    for (const write of this.#waiting.splice(0)) write(this.#runId);
    this.#becomeWritable();
    return ids;
  }

  /** A start that never came to `ready` is a run as well: one that did not load. */
  async #failed(failure: EngineFailure): Promise<void> {
    const didLoad = this.#isOpen;
    if (!didLoad) await this.#begin(null, null);
    this.#end(didLoad ? 'crashed' : 'not-loaded', failure);
    this.#startedAtMs = Date.now();
  }

  /** A start that nobody waited for has no run, unless it has rows. */
  async #stopped(): Promise<void> {
    if (this.#waiting.length > 0) await this.#begin(null, null);
    this.#end('stopped');
  }

  #end(reason: 'stopped' | 'crashed' | 'not-loaded', failure?: EngineFailure): void {
    if (this.#runId === null || !this.#isOpen) return;
    this.#isOpen = false;
    const error = failure ? failureRowError(failure) : null;
    this.#options.log.finishRun(this.#runId, { endedAtMs: Date.now(), reason, error });
  }

  /** Reads the whole file where the log does not know it yet, after the load and between answers. */
  async #hash({ modelId }: RunIds): Promise<void> {
    const { log, settings, isBusy } = this.#options;
    const { signal } = this.#stopHashing;
    try {
      log.identifyModel(modelId, await hashModelFile(log, settings.modelPath, { signal, isBusy }));
    } catch (error) {
      if (!signal.aborted)
        this.#warn(`the model has no hash in the log: ${(error as Error).message}`);
    }
  }

  async #sample(): Promise<void> {
    const { engine, log } = this.#options;
    if (this.#runId === null || engine.state.kind !== 'ready') return;
    const hasGpu = engine.info !== null && engine.info.backend !== 'cpu';
    const [memory, temperatures] = await Promise.all([
      engine.memory().catch(() => null),
      readTemperatures({ hasGpu }),
    ]);
    if (!this.#isOpen || this.#stopHashing.signal.aborted) return;
    log.recordSample({
      runId: this.#runId,
      takenAtMs: Date.now(),
      rssBytes: memory?.rssBytes ?? null,
      availableBytes: freemem(),
      deviceUsedBytes: memory?.deviceAfterBytes ?? null,
      ...temperatures,
    });
  }

  #then(step: () => void | Promise<void>): void {
    this.#steps = this.#steps.then(step).catch((error: Error) => this.#warn(error.message));
  }

  #warn(message: string): void {
    this.#options.onWarning?.(message);
  }
}
