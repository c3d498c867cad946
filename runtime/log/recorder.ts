// Between an engine and the log: every answer becomes a row, every start of the engine a run.
// Chat and the server both generate through this, so that neither can forget one.
// The row is written when the answer is complete, before its last event is handed on; see AnswerLog.
import type {
  Engine,
  EngineOptions,
  GenerateEvent,
  GenerateRequest,
  ModelFile,
  Timings,
} from '../engine/engine.js';
import type { AnswerLog } from './answer-log.js';
import { AnswerRecord, type RequestFields, rowError } from './answer-record.js';
import { RunRecorder } from './run-recorder.js';

export type RecorderOptions = {
  engine: Engine;
  /** Null records nothing; `onRow` is told all the same. */
  log: AnswerLog | null;
  settings: EngineOptions;
  hearthVersion: string;
  /** The model's file as it was before, for rows of a load that finds it gone or broken. */
  knownFile?: ModelFile | null;
  /** Whether the log stores prompts and answers, which are then kept until the row is written. */
  keepText?: boolean;
  sampleEveryMs?: number;
  /** Told of every row, for what else counts answers. */
  onRow?: (row: RequestFields) => void;
  onWarning?: (message: string) => void;
};

export type GenerateOptions = {
  signal?: AbortSignal;
  /** Path of the API, or `chat`. */
  endpoint: string;
  /** How long the request waited for its model before it came here; its timings count that. */
  waitedMs?: number;
};

const SAMPLE_EVERY_MS = 30_000;

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #runs: RunRecorder | null;
  readonly #unfinished = new Set<Promise<void>>();
  #underWay = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
    const { log, sampleEveryMs = SAMPLE_EVERY_MS } = options;
    const isBusy = () => this.#underWay > 0;
    this.#runs = log ? new RunRecorder({ ...options, log, sampleEveryMs, isBusy }) : null;
  }

  /** Rows that no run could be found for, because the model file cannot be described. */
  get unrecordedRows(): number {
    return this.#runs?.unrecordedRows ?? 0;
  }

  /** The engine's events, recorded. A caller that leaves early aborts the answer. */
  async *generate(
    request: GenerateRequest,
    { signal, endpoint, waitedMs = 0 }: GenerateOptions,
  ): AsyncGenerator<GenerateEvent, void, undefined> {
    const { keepText = false } = this.#options;
    const answer = new AnswerRecord(request, { endpoint, waitedMs, keepText });
    const abort = new AbortController();
    const stop = () => abort.abort();
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
    const events = this.#options.engine.generate(request, { signal: abort.signal });
    const iterator = events[Symbol.asyncIterator]();
    this.#underWay++;
    try {
      for (;;) {
        const next = await iterator.next();
        if (next.done) break;
        const event = withWait(next.value, waitedMs);
        answer.add(event);
        if (event.kind === 'end') {
          // The first answer after a start may be done before the machine is described.
          await this.#runs?.writable;
          this.record(answer.finish());
          await this.#options.log?.settled();
        }
        yield event;
      }
    } catch (error) {
      if (!answer.isFinished) this.record(answer.fail(error));
      throw error;
    } finally {
      this.#underWay--;
      signal?.removeEventListener('abort', stop);
      stop();
      if (!answer.isFinished) this.#finishLater(iterator, answer);
    }
  }

  /** A health probe: timed and recorded, and no answer. Throws what the engine throws. */
  async probe(endpoint: string, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const startedAtMs = Date.now();
    const row = { startedAtMs, endpoint, isProbe: true };
    try {
      const { durationMs } = await this.#options.engine.probe(signal ? { signal } : {});
      this.record({ ...row, timings: { totalMs: durationMs, generatedTokens: 1 } });
    } catch (error) {
      this.record({ ...row, error: rowError(error) });
      throw error;
    }
  }

  /** Writes what is still to be written, and that the run ended. */
  async close(): Promise<void> {
    await Promise.all(this.#unfinished);
    await this.#runs?.close();
  }

  /** The engine tells the timings of an aborted answer one token later, when nobody listens. */
  #finishLater(iterator: AsyncIterator<GenerateEvent>, answer: AnswerRecord): void {
    const finishing = this.#drain(iterator, answer).finally(() => {
      this.#unfinished.delete(finishing);
    });
    this.#unfinished.add(finishing);
  }

  async #drain(iterator: AsyncIterator<GenerateEvent>, answer: AnswerRecord): Promise<void> {
    try {
      for (let next = await iterator.next(); !next.done; next = await iterator.next())
        answer.add(next.value);
      this.record(answer.finish());
    } catch (error) {
      this.record(answer.fail(error));
    }
  }

  /** A row that was made elsewhere: of a request that never came to the engine. */
  record(row: RequestFields): void {
    this.#runs?.recordRequest(row);
    this.#options.onRow?.(row);
  }
}

function withWait(event: GenerateEvent, waitedMs: number): GenerateEvent {
  if (waitedMs === 0 || !('timings' in event) || !event.timings) return event;
  const { queueMs, ttftMs, totalMs } = event.timings;
  const timings: Timings = {
    ...event.timings,
    queueMs: queueMs + waitedMs,
    ttftMs: ttftMs + waitedMs,
    totalMs: totalMs + waitedMs,
  };
  return { ...event, timings };
}
