// The writing side of the log: what the engine's owner records, and when it is safe.
// A row is committed when its record function returns (about 20 µs), so a process killed right
// after an answer loses nothing; with `sync` a power cut does not either.
import { type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from 'better-sqlite3';
import { isoTime } from './columns.js';
import { openForWriting } from './database.js';
import { parseKeep, startPruning } from './keep.js';
import { isRowAtFault, LogError, toLogError } from './log-error.js';
import { defaultLogPath } from './log-path.js';
import type { MeasurementRow } from './measurement-fields.js';
import { RowWriter } from './row-writer.js';
import type { MachineRow, ModelRow, RequestRow, RunEnd, RunRow, SampleRow } from './rows.js';
import { WalFlush } from './wal-flush.js';
import { WriteQueue } from './write-queue.js';

export type LogOptions = {
  /** Default {@link defaultLogPath}. Folders are made. */
  path?: string;
  /** Store prompts and answers; by default their columns stay null whatever the rows hold. */
  logText?: boolean;
  /** Delete the oldest rows beyond an age (`90d`) or a size (`500MB`); by default none. */
  keep?: string;
  /**
   * Have {@link AnswerLog.settled} wait for the disk: it takes 1 to 50 ms an answer, and no row that
   * was waited for is lost when the power goes. By default the disk follows within one flush.
   */
  sync?: boolean;
  /** Told once when rows cannot be written, when they can again, and when one is given up. */
  onWarning?: (message: string) => void;
};

const CLOSE_WAIT_MS = 2_000;
const CLOSE_RETRY_MS = 100;
const SYNC_WAIT_MS = 1_000;

/** Opens the log for writing. Throws {@link LogError}, LogQueryError for a `keep` it cannot read. */
export function openLog(options: LogOptions = {}): AnswerLog {
  return new AnswerLog(options);
}

/**
 * None of the record functions throws. A row that cannot be written (disk full, file locked) waits
 * in memory and is tried again; ids of rows that wait are negative and as good as the others.
 */
export class AnswerLog {
  readonly path: string;
  readonly #logText: boolean;
  readonly #isSync: boolean;
  readonly #onWarning: (message: string) => void;
  readonly #db: Database;
  readonly #file: Stats;
  readonly #rows: RowWriter;
  readonly #queue: WriteQueue;
  readonly #flush: WalFlush;
  readonly #stopPruning: () => void;
  /** Rows that were given a negative id while they waited. */
  readonly #lateIds = new Map<number, number>();
  readonly #sameModels = new Map<number, number>();
  #lateCount = 0;

  constructor({
    path: file = defaultLogPath(),
    logText = false,
    sync = false,
    keep,
    onWarning,
  }: LogOptions) {
    const parsedKeep = keep === undefined ? null : parseKeep(keep);
    this.path = path.resolve(file);
    this.#logText = logText;
    this.#isSync = sync;
    this.#onWarning = onWarning ?? (() => {});
    this.#db = openForWriting(this.path);
    this.#file = statSync(this.path);
    this.#rows = new RowWriter(this.#db);
    this.#queue = new WriteQueue({
      name: `the log ${this.path}`,
      describe: (error) => toLogError(this.path, error).message,
      isHopeless: isRowAtFault,
      onWarning: this.#onWarning,
    });
    this.#flush = new WalFlush(this.path);
    this.#stopPruning = parsedKeep ? startPruning(this.#db, parsedKeep) : () => {};
  }

  /** Rows that wait to be written, and rows that were given up. */
  get unwrittenRows(): number {
    return this.#queue.unwritten;
  }

  /** Why rows wait; null while writing works. */
  get lastError(): string | null {
    return this.#queue.failing;
  }

  recordMachine(row: MachineRow): number {
    return this.#record(() => this.#rows.machine(row));
  }

  recordModel(row: ModelRow): number {
    return this.#record(() => this.#rows.model(row));
  }

  /** Says which content a model recorded without a hash has. */
  identifyModel(modelId: number, sha256: string): void {
    this.#write(() => {
      const id = this.#modelId(modelId);
      this.#sameModels.set(id, this.#rows.identifyModel(id, sha256));
    });
  }

  recordRun(row: RunRow): number {
    return this.#record(() => {
      const machineId = this.#idOf(row.machineId);
      return this.#rows.run({ ...row, machineId, modelId: this.#modelId(row.modelId) });
    });
  }

  finishRun(runId: number, end: RunEnd): void {
    this.#write(() => this.#rows.runEnd(this.#idOf(runId), end));
  }

  /** Call it before the last bytes of the answer leave: what was delivered is then recorded. */
  recordRequest(row: RequestRow): void {
    const text = this.#logText ? {} : { prompt: null, answer: null };
    const write = () => this.#rows.request({ ...row, ...text, runId: this.#idOf(row.runId) });
    this.#write(write, { isDroppable: true });
  }

  recordSample(row: SampleRow): void {
    const write = () => this.#rows.sample({ ...row, runId: this.#idOf(row.runId) });
    // Waking the disk for each would wear an SD card out; the next answer takes them along.
    this.#write(write, { isDroppable: true, isFlushed: false });
  }

  /** `runId` is null for a row of another machine. A `uid` that the log has already is left as it is. */
  recordMeasurement(row: MeasurementRow, runId: number | null): void {
    this.#write(() => this.#rows.measurement(row, runId === null ? null : this.#idOf(runId)));
  }

  /** The SHA-256 that an unchanged file had when the log last saw it. */
  knownHash(file: { path: string; sizeBytes: number; modifiedAtMs: number }): string | null {
    const find = this.#db.prepare(
      'SELECT sha256 FROM model WHERE path = ? AND size_bytes = ? AND modified_at = ? AND sha256 IS NOT NULL',
    );
    const time = isoTime(file.modifiedAtMs);
    return (find.pluck().get(file.path, file.sizeBytes, time) as string | undefined) ?? null;
  }

  /**
   * Resolves when the rows recorded by now are as safe as was asked for: at once, or with `sync` when
   * they are on the disk, but after a second at most, as a disk that hangs must not hold answers up.
   */
  async settled(): Promise<void> {
    if (!this.#isSync) return;
    const timeout = new AbortController();
    const late = sleep(SYNC_WAIT_MS, undefined, { signal: timeout.signal }).catch(() => {});
    await Promise.race([this.#flush.done(), late]);
    timeout.abort();
  }

  /** Writes what waits, as far as that works within two seconds, and brings it onto the disk. */
  async close(): Promise<void> {
    if (!this.#db.open) return;
    this.#stopPruning();
    await this.#drain();
    await this.#flush.close();
    if (this.#queue.waiting > 0)
      this.#onWarning(`${this.#queue.waiting} rows are lost: ${this.#queue.failing}`);
    this.#db.close();
  }

  /** The id of the row, or a negative one that stands for it until it is written. */
  #record(write: () => number): number {
    const lateId = -++this.#lateCount;
    this.#write(() => this.#lateIds.set(lateId, write()));
    const id = this.#lateIds.get(lateId);
    if (id === undefined) return lateId;
    this.#lateIds.delete(lateId);
    return id;
  }

  #write(write: () => void, { isDroppable = false, isFlushed = true } = {}): void {
    const run = () => {
      this.#checkStillThere();
      write();
      if (isFlushed) this.#flush.request();
    };
    this.#queue.add({ run, isDroppable });
  }

  /** SQLite goes on writing to a deleted file, and every row would be lost without a word. */
  #checkStillThere(): void {
    const found = statSync(this.path, { throwIfNoEntry: false });
    if (found?.ino === this.#file.ino && found.dev === this.#file.dev) return;
    throw new LogError(
      `the log ${this.path} was moved or deleted while in use; put it back, or restart for a new one`,
    );
  }

  #idOf(id: number): number {
    return this.#lateIds.get(id) ?? id;
  }

  #modelId(id: number): number {
    const known = this.#idOf(id);
    return this.#sameModels.get(known) ?? known;
  }

  async #drain(): Promise<void> {
    const deadline = performance.now() + CLOSE_WAIT_MS;
    this.#queue.flush();
    while (this.#queue.waiting > 0 && performance.now() < deadline) {
      await sleep(this.#queue.failing === null ? 0 : CLOSE_RETRY_MS);
      this.#queue.flush();
    }
    this.#queue.stop();
  }
}
