// Which of several models are loaded: each when it is first asked for, the least recently used one giving
// way where memory does not hold both, one that nobody asks leaving when it was idle for long.
// Loads happen one after the other, in the order in which they were asked for. A model that is to give way
// takes nobody new and answers what it has begun, so that no request waits for ever.
// One model that is served alone is a pool of one.
import { collectGarbage } from '../../terminal/garbage.js';
import { formatDuration, formatMemory } from '../../terminal/units.js';
import type {
  Engine,
  EngineFailure,
  EngineInfo,
  EngineOptions,
  ModelFile,
} from '../engine/engine.js';
import { EngineError, failureOf } from '../engine/engine-error.js';
import type { Recorder } from '../log/recorder.js';
import type { ModelUse } from './model-use.js';
import { notStarted } from './not-started.js';
import type { MemoryPlan, Planner } from './planner.js';
import { type LoadedModel, type ModelChoice, ServedModel } from './served-model.js';
import { WaitingLine, type WaitOptions } from './waiting-line.js';

const DEFAULT_MAX_QUEUE = 64;
/** The first question, for which it was loaded, is answered by then or being computed. */
const AFTER_LOAD_MS = 1000;

export type PoolOptions = {
  models: ModelChoice[];
  planner: Planner;
  /** How long a model stays that nobody asks; null for always. */
  idleMs: number | null;
  startEngine: (settings: EngineOptions) => Engine;
  openRecorder: (started: RecorderStart) => Recorder;
  /** Told of every load and unload, in words. */
  onChange?: (message: string) => void;
  onLoaded?: (settings: EngineOptions, info: EngineInfo) => void;
};

export type RecorderStart = {
  engine: Engine;
  settings: EngineOptions;
  knownFile: ModelFile | null;
};

type Room = { kind: 'free' } | { kind: 'unwanted' } | { kind: 'none'; failure: EngineFailure };

export class ModelPool {
  readonly models: readonly ServedModel[];
  readonly #options: PoolOptions;
  readonly #line = new WaitingLine(() => this.#wake());
  #worker: Promise<void> | null = null;
  /** Of what waits until a model is held by nobody, or wanted by nobody. */
  #wake: () => void = () => {};
  #pastRestarts = 0;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.models = options.models.map((choice) => new ServedModel(choice));
    for (const [i, { engine, settings }] of options.models.entries()) {
      const model = this.models[i];
      if (model && engine) this.#open(model, engine, { settings, neededBytes: 0, isOurs: false });
    }
  }

  /** Those that hold a model now, or are on their way to. */
  get engines(): Engine[] {
    return this.models.flatMap(({ engine }) => engine ?? []);
  }

  /** Starts of engines after a death. */
  get restarts(): number {
    return this.#pastRestarts + sum(this.engines.map(({ restarts }) => restarts));
  }

  get unrecordedRows(): number {
    return sum(this.models.map(({ unrecordedRows }) => unrecordedRows));
  }

  /** Requests that wait for a model to be loaded. */
  get waiting(): number {
    return this.#line.length;
  }

  /**
   * Resolves when what is loaded from the start is: models that are pinned, or came with an engine. Rejects
   * with `EngineFailure` where one cannot be.
   */
  async ready(options: WaitOptions = {}): Promise<void> {
    for (const model of this.models) {
      if (!model.isPinned && !model.loaded) continue;
      const { engine, release } = await this.use(model, options);
      await engine.ready(options).finally(release);
    }
  }

  /** Looks at the memory that each model will take, and returns why some cannot be loaded. */
  async plan(): Promise<{ model: ServedModel; failure: EngineFailure }[]> {
    const refused = [];
    for (const model of this.models) {
      const planned = await this.#plan(model);
      if ('code' in planned) refused.push({ model, failure: planned });
    }
    return refused;
  }

  /**
   * The model, loaded or with the failure of its load in `engine.state`. Rejects with the signal's reason,
   * with {@link ModelDeadlineError}, and with `queue-full` where too many wait already.
   */
  async use(model: ServedModel, options: WaitOptions = {}): Promise<ModelUse> {
    options.signal?.throwIfAborted();
    if (this.#isClosed) throw ended();
    if (this.#isOpenTo(model)) return this.#lend(model);
    this.#checkQueue(model);
    const use = this.#line.add(model, options);
    this.#work();
    return await use;
  }

  /** Ends what the pool started; of an engine that it was given, only the recording. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#line.rejectAll(ended());
    const ends = this.models.map((model) => this.#unload(model, { keepsGiven: true }));
    await Promise.all([...ends, this.#worker]);
    // A row needs a run, and that of these never came.
    const early = this.models.filter(({ hasEarlyRows }) => hasEarlyRows);
    for (const model of early) this.#fail(model, ended().failure);
    await Promise.all(early.map((model) => this.#unload(model)));
  }

  /** One that came with its engine refuses by itself while that loads. */
  #isOpenTo({ loaded, isLeaving, unloading }: ServedModel): boolean {
    return loaded !== null && !loaded.isLoading && !isLeaving && unloading === null;
  }

  #checkQueue(model: ServedModel): void {
    const { maxQueue = DEFAULT_MAX_QUEUE } = model.settings;
    // As many more as it answers at once find a place in its engine's queue.
    const most = maxQueue + (model.settings.parallel ?? 1);
    const waiting = this.#line.countOf(model);
    if (waiting < most) return;
    throw new EngineError({
      code: 'queue-full',
      message: `${waiting} requests wait already for "${model.id}" to be loaded; try again later`,
    });
  }

  /** Serves whoever has waited longest, and all who wait for the same model, until nobody waits. */
  #work(): void {
    this.#worker ??= this.#serveWaiters().finally(() => {
      this.#worker = null;
      if (this.#line.length > 0) this.#work();
    });
  }

  async #serveWaiters(): Promise<void> {
    for (let next = this.#line.first; next; next = this.#line.first) {
      const { model } = next;
      await model.unloading;
      if (!model.loaded) await this.#load(model);
      if (!this.#isOpenTo(model)) continue;
      const served = this.#line.take(model);
      for (const { arrivedAt, resolve } of served) resolve(this.#lend(model, arrivedAt));
      if (served.length === 0 && hasFailed(model)) await this.#unload(model);
    }
  }

  #lend(model: ServedModel, arrivedAt: number | null = null): ModelUse {
    const { loaded } = model;
    if (!loaded) throw new Error(`${model.id} is not loaded`);
    const { engine, recorder, openedAt } = loaded;
    clearTimeout(model.idleTimer);
    model.uses++;
    model.lastUsedAt = performance.now();
    let isHeld = true;
    return {
      id: model.id,
      settings: model.settings,
      engine,
      recorder,
      waitedMs: arrivedAt === null ? 0 : model.lastUsedAt - arrivedAt,
      loadMs: arrivedAt !== null && openedAt > arrivedAt ? (engine.info?.loadMs ?? null) : null,
      release: () => {
        if (isHeld) this.#release(model);
        isHeld = false;
      },
    };
  }

  #release(model: ServedModel): void {
    model.uses--;
    model.lastUsedAt = performance.now();
    if (model.uses > 0) return;
    this.#wake();
    // The next request tries again: the file may have been put right.
    if (hasFailed(model)) void this.#unload(model);
    else this.#startIdling(model);
  }

  #startIdling(model: ServedModel): void {
    const { idleMs } = this.#options;
    clearTimeout(model.idleTimer);
    if (idleMs === null || model.isPinned || this.#isClosed) return;
    const leave = () => {
      if (model.uses > 0 || !this.#isOpenTo(model)) return;
      this.#tell(`${model.id} is unloaded, as nobody asked it for ${formatDuration(idleMs)}`);
      void this.#unload(model);
    };
    model.idleTimer = setTimeout(leave, idleMs).unref();
  }

  async #load(model: ServedModel): Promise<void> {
    const planned = await this.#plan(model);
    if ('code' in planned) return this.#fail(model, planned);
    const room = await this.#makeRoom(model, planned);
    if (room.kind === 'none') this.#fail(model, room.failure);
    if (room.kind !== 'free' || this.#isClosed) return;
    this.#tell(`loading ${model.id}`);
    const engine = this.#options.startEngine(planned.settings);
    const loaded = this.#open(model, engine, { ...planned, isOurs: true });
    loaded.isLoading = true;
    await engine.ready().catch((error: Error) => {
      if (!this.#isClosed) this.#tell(`${model.id} cannot be loaded: ${error.message}`);
    });
    loaded.isLoading = false;
    this.#startIdling(model);
  }

  async #plan(model: ServedModel): Promise<MemoryPlan | EngineFailure> {
    try {
      const planned = await this.#options.planner.plan(model.settings, this.#heldBytes());
      model.file = planned.file ?? model.file;
      return planned;
    } catch (error) {
      return failureOf(error, 'load-failed');
    }
  }

  #heldBytes(models = this.models): number {
    return sum(models.map(({ loaded }) => loaded?.neededBytes ?? 0));
  }

  /** Has others give way until the model fits, unless nobody waits for it any more. */
  async #makeRoom(model: ServedModel, plan: MemoryPlan): Promise<Room> {
    for (;;) {
      if (this.#line.countOf(model) === 0) return { kind: 'unwanted' };
      const freeBytes = plan.budgetBytes(this.#heldBytes());
      if (this.#heldBytes() + plan.neededBytes <= freeBytes) return { kind: 'free' };
      const pinned = this.models.filter(({ isPinned }) => isPinned);
      const stayingBytes = this.#heldBytes(pinned);
      const leaving = this.#leastRecentlyUsed();
      if (stayingBytes + plan.neededBytes > freeBytes || !leaving)
        return { kind: 'none', failure: noRoom(model, plan, { stayingBytes, freeBytes }) };
      await this.#giveWay(leaving, model);
    }
  }

  /** Of those that may go; one that nobody holds goes before one that answers. */
  #leastRecentlyUsed(): ServedModel | undefined {
    const order = (a: ServedModel, b: ServedModel) =>
      Number(a.uses > 0) - Number(b.uses > 0) || a.lastUsedAt - b.lastUsedAt;
    return this.models.filter(({ loaded, isPinned }) => loaded && !isPinned).sort(order)[0];
  }

  async #giveWay(leaving: ServedModel, wanted: ServedModel): Promise<void> {
    leaving.isLeaving = true;
    while (leaving.uses > 0 && this.#line.countOf(wanted) > 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (leaving.uses === 0) {
      if (!leaving.unloading) this.#tell(`${leaving.id} gives way to ${wanted.id}`);
      await this.#unload(leaving);
    }
    leaving.isLeaving = false;
  }

  #fail(model: ServedModel, failure: EngineFailure): void {
    this.#tell(`${model.id} cannot be loaded: ${failure.message}`);
    const { settings } = model;
    this.#open(model, notStarted(failure), { settings, neededBytes: 0, isOurs: true });
  }

  #open(
    model: ServedModel,
    engine: Engine,
    { settings, neededBytes, isOurs }: Opening,
  ): LoadedModel {
    const recorder = this.#options.openRecorder({ engine, settings, knownFile: model.file });
    const loaded = model.open({ engine, recorder, neededBytes, isOurs });
    void engine.ready().then(
      (info) => {
        this.#options.onLoaded?.(settings, info);
        setTimeout(collectGarbage, AFTER_LOAD_MS).unref();
      },
      () => {},
    );
    return loaded;
  }

  /** Resolves when its process has ended, and its memory is free. */
  #unload(model: ServedModel, { keepsGiven = false } = {}): Promise<void> {
    clearTimeout(model.idleTimer);
    const { loaded } = model;
    if (!loaded) return Promise.resolve();
    model.unloading ??= this.#end(loaded, keepsGiven).finally(() => {
      model.close();
      if (!this.#isClosed) collectGarbage();
    });
    return model.unloading;
  }

  async #end({ engine, recorder, isOurs }: LoadedEngine, keepsGiven: boolean): Promise<void> {
    await recorder.close();
    if (keepsGiven && !isOurs) return;
    await engine.close();
    this.#pastRestarts += engine.restarts;
  }

  #tell(message: string): void {
    this.#options.onChange?.(message);
  }
}

type LoadedEngine = Pick<LoadedModel, 'engine' | 'recorder' | 'isOurs'>;
type Opening = { settings: EngineOptions; neededBytes: number; isOurs: boolean };

function hasFailed({ loaded }: ServedModel): boolean {
  return loaded?.engine.state.kind === 'failed';
}

function noRoom(
  { id }: ServedModel,
  { neededBytes }: MemoryPlan,
  { stayingBytes, freeBytes }: { stayingBytes: number; freeBytes: number },
): EngineFailure {
  const staying =
    stayingBytes > 0 ? `, of which pinned models hold ${formatMemory(stayingBytes)}` : '';
  const message = `"${id}" needs ${formatMemory(neededBytes)}, but there are ${formatMemory(freeBytes)} for all models${staying}`;
  return { code: 'load-failed', message };
}

function ended(): EngineError {
  return new EngineError({ code: 'not-ready', message: 'hearth is shutting down' });
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
