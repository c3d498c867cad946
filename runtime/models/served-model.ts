// One model as callers know it: a name, a file, and the engine that holds it now, if one does.
// An engine lives from one load to the next unload, and so does its recorder: each load is a run of the log.
import type { Engine, EngineInfo, EngineOptions, ModelFile } from '../engine/engine.js';
import type { RequestFields } from '../log/answer-record.js';
import type { Recorder } from '../log/recorder.js';

/** A model that is offered, loaded or not. */
export type ModelChoice = {
  /** Its name for callers. */
  id: string;
  settings: EngineOptions;
  /** It never gives way, and is loaded from the start. */
  isPinned?: boolean;
  /** One that holds it already; who started it ends it. */
  engine?: Engine;
};

export type LoadedModel = {
  engine: Engine;
  recorder: Recorder;
  /** Predicted; 0 where nothing else competes for the memory. */
  neededBytes: number;
  openedAt: number;
  /** Nobody has it yet. */
  isLoading: boolean;
  /** Whether the engine was started for this load. */
  isOurs: boolean;
};

export class ServedModel {
  readonly id: string;
  readonly settings: EngineOptions;
  readonly isPinned: boolean;
  loaded: LoadedModel | null = null;
  /** Requests that hold it. */
  uses = 0;
  lastUsedAt = 0;
  /** It takes nobody new: it gives way as soon as nobody holds it. */
  isLeaving = false;
  /** Its end, while it is being unloaded. */
  unloading: Promise<void> | null = null;
  idleTimer: NodeJS.Timeout | undefined;
  #lastRecorder: Recorder | null = null;
  #lastFile: ModelFile | null = null;
  #lastInfo: EngineInfo | null = null;
  /** Of requests that left before the first load. */
  readonly #earlyRows: RequestFields[] = [];

  constructor({ id, settings, isPinned = false }: ModelChoice) {
    this.id = id;
    this.settings = settings;
    this.isPinned = isPinned;
  }

  /** The one that holds it or is about to; null where none is, or it failed. */
  get engine(): Engine | null {
    const engine = this.loaded?.engine ?? null;
    return engine?.state.kind === 'failed' ? null : engine;
  }

  get isLoaded(): boolean {
    return this.engine?.state.kind === 'ready';
  }

  /** As it was when its file was last read; null before that. */
  get file(): ModelFile | null {
    return this.loaded?.engine.file ?? this.#lastFile;
  }

  set file(file: ModelFile | null) {
    this.#lastFile = file;
  }

  /** As it was when it was last loaded; null before that. */
  get info(): EngineInfo | null {
    return this.loaded?.engine.info ?? this.#lastInfo;
  }

  get unrecordedRows(): number {
    return this.#earlyRows.length + (this.#lastRecorder?.unrecordedRows ?? 0);
  }

  get hasEarlyRows(): boolean {
    return this.#earlyRows.length > 0;
  }

  open(opened: Omit<LoadedModel, 'openedAt' | 'isLoading'>): LoadedModel {
    const loaded = { ...opened, openedAt: performance.now(), isLoading: false };
    this.loaded = loaded;
    this.#lastRecorder = loaded.recorder;
    for (const row of this.#earlyRows.splice(0)) loaded.recorder.record(row);
    return loaded;
  }

  close(): void {
    this.#lastFile = this.file;
    this.#lastInfo = this.info;
    this.loaded = null;
    this.unloading = null;
  }

  /** A row of a request that ended without the model. */
  record(row: RequestFields): void {
    if (this.#lastRecorder) this.#lastRecorder.record(row);
    else this.#earlyRows.push(row);
  }
}
