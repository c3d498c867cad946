// Pushes the answers in the log to an OpenTelemetry collector, as metrics, each answer in one batch.
// The log is the queue: what no collector took yet lies there for as long as the log is kept, through
// days without a network and through kills. It runs between answers, in the server's process.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseKeyPairsIntoRecord } from '@opentelemetry/core';
import type { Database } from 'better-sqlite3';
import { plural } from '../../terminal/units.js';
import { openForWriting } from '../log/database.js';
import { WalFlush } from '../log/wal-flush.js';
import { encodeBatch } from './encode-batch.js';
import { lockExport } from './export-lock.js';
import { completedMs, intervalOf } from './interval.js';
import { type Batch, MetricsOutbox, type UnsentAnswer } from './outbox.js';
import { postBatch } from './post-batch.js';

export type OtlpOptions = {
  /** Of the collector; `v1/metrics` is added. */
  url: URL;
  logPath: string;
  /** Variables that OpenTelemetry's own exporters read; default the process's. */
  env?: NodeJS.ProcessEnv;
  now?: () => number;
  /** Told when sending begins to fail, when it works again, and of answers that nobody will have. */
  onWarning: (message: string) => void;
};

const INTERVAL_MS = 60_000;
const TIMEOUT_MS = 10_000;
/** Answers that lie further apart are in batches of their own, so that days offline keep their hours. */
const BATCH_SPAN_MS = 60_000;
const BATCH_ANSWERS = 1_000;
/** Between two batches that catch up: what one costs, about 3 ms, stays far below 1 % of the time. */
const CATCH_UP_MS = 500;
const FIRST_RETRY_MS = 5_000;
const MAX_RETRY_MS = 5 * 60_000;
/** The longest that a collector may ask to be left alone for. */
const MAX_RETRY_AFTER_MS = 3_600_000;
const CLOSE_WAIT_MS = 2_000;

export class OtlpExport {
  readonly #options: OtlpOptions;
  readonly #now: () => number;
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  readonly #stop = new AbortController();
  readonly #hangUp = new AbortController();
  readonly #running: Promise<void>;
  #open: { db: Database; outbox: MetricsOutbox; flush: WalFlush; lock: { close(): void } } | null =
    null;
  #retryMs: number;
  #failing: string | null = null;

  /** Throws where one of OpenTelemetry's variables cannot be read. */
  constructor(options: OtlpOptions) {
    const { env = process.env, now = Date.now } = options;
    this.#options = options;
    this.#now = now;
    this.#url = metricsUrl(options.url);
    this.#headers = parseKeyPairsIntoRecord(env['OTEL_EXPORTER_OTLP_HEADERS']);
    this.#intervalMs = readMs(env, 'OTEL_METRIC_EXPORT_INTERVAL', INTERVAL_MS);
    this.#timeoutMs = readMs(env, 'OTEL_EXPORTER_OTLP_TIMEOUT', TIMEOUT_MS);
    this.#retryMs = this.#firstRetryMs;
    this.#running = this.#run();
  }

  /** Sends once more what there is, if that takes no longer than two seconds, and lets the log go. */
  async close(): Promise<void> {
    this.#stop.abort();
    const late = setTimeout(() => this.#hangUp.abort(), CLOSE_WAIT_MS);
    await this.#running;
    // The last answers; a collector that is away is not waited for.
    while (this.#failing === null && !this.#hangUp.signal.aborted)
      if ((await this.#step()) !== 'sent') break;
    clearTimeout(late);
    await this.#open?.flush.close();
    this.#open?.db.close();
    this.#open?.lock.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    // A thousand devices that the power came back to at once do not ask at once.
    let waitMs = Math.random() * this.#intervalMs;
    while (!signal.aborted) {
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      const next = await this.#step();
      waitMs = next === 'sent' ? CATCH_UP_MS : next;
    }
  }

  /** Sends a batch where there is one, or resolves to how many ms to wait until the next try; never rejects. */
  async #step(): Promise<'sent' | number> {
    try {
      const outbox = this.#openOutbox();
      if (outbox === null) return this.#intervalMs;
      const batch = outbox.batch() ?? (await this.#nextBatch(outbox));
      if (batch === null) return this.#intervalMs;
      return await this.#send(outbox, batch);
    } catch (error) {
      return this.#failed(`cannot be exported: ${(error as Error).message}`, null);
    }
  }

  /** Null while another process exports this log. */
  #openOutbox(): MetricsOutbox | null {
    if (this.#open) return this.#open.outbox;
    const { logPath } = this.#options;
    const lock = lockExport(logPath);
    if (lock === null) return null;
    try {
      const db = openForWriting(logPath);
      this.#open = { db, lock, outbox: new MetricsOutbox(db), flush: new WalFlush(logPath) };
      return this.#open.outbox;
    } catch (error) {
      lock.close();
      throw error;
    }
  }

  async #nextBatch(outbox: MetricsOutbox): Promise<Batch | null> {
    const answers = together(outbox.unsent(BATCH_ANSWERS));
    const last = answers.at(-1);
    if (last === undefined) return null;
    const state = outbox.state();
    const pruned = state.pruned - state.prunedTold;
    if (pruned > 0) this.#sayPruned(pruned);
    const interval = intervalOf(answers, state, this.#now());
    const body = await encodeBatch(answers, { interval, pruned });
    const batch = { lastId: last.id, answers: answers.length, body };
    const { instanceId, endMs } = interval;
    const next = { instanceId, endedAtMs: endMs, prunedTold: state.pruned };
    return outbox.put(batch, next) ? batch : null;
  }

  async #send(outbox: MetricsOutbox, batch: Batch): Promise<'sent' | number> {
    // A power cut must not forget a batch that a collector may have by then.
    await this.#onDisk();
    const signal = this.#hangUp.signal;
    const options = { headers: this.#headers, timeoutMs: this.#timeoutMs, signal };
    const reply = await postBatch(this.#url, batch.body, options);
    if (reply.kind === 'failed')
      return this.#failed(`${this.#url} ${reply.reason}`, reply.retryAfterMs);
    outbox.acknowledge(batch, { isRefused: reply.kind === 'refused' });
    const complaint = reply.kind === 'refused' ? reply.reason : reply.complaint;
    if (complaint !== null) this.#sayRefused(batch, complaint);
    this.#worked();
    return 'sent';
  }

  async #onDisk(): Promise<void> {
    this.#open?.flush.request();
    await this.#open?.flush.done();
  }

  #failed(reason: string, retryAfterMs: number | null): number {
    if (reason !== this.#failing)
      this.#warn(`${reason}; answers wait in the log and are sent when it takes them`);
    this.#failing = reason;
    const waitMs = Math.min(retryAfterMs ?? this.#retryMs, MAX_RETRY_AFTER_MS);
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    return waitMs * (1 + Math.random() / 2);
  }

  #worked(): void {
    if (this.#failing !== null) this.#warn(`${this.#url} takes metrics again`);
    this.#failing = null;
    this.#retryMs = this.#firstRetryMs;
  }

  get #firstRetryMs(): number {
    return Math.min(FIRST_RETRY_MS, this.#intervalMs);
  }

  #sayPruned(count: number): void {
    const what = `${plural(count, 'answer')} left the log before a collector had them`;
    this.#warn(`${what}; keep more of it with --log-keep`);
  }

  #sayRefused({ answers }: Batch, complaint: string): void {
    const what = `a batch of ${plural(answers, 'answer')}, which is not sent again`;
    this.#warn(`${this.#url} does not take ${what}: ${complaint}`);
  }

  #warn(text: string): void {
    this.#options.onWarning(`metrics: ${text}`);
  }
}

/** The first of them that go into one batch: of one run, and of about one minute. */
function together(answers: readonly UnsentAnswer[]): readonly UnsentAnswer[] {
  const [first] = answers;
  if (!first) return [];
  const end = answers.findIndex(
    (answer) =>
      answer.run_id !== first.run_id ||
      Math.abs(completedMs(answer) - completedMs(first)) > BATCH_SPAN_MS,
  );
  return end < 0 ? answers : answers.slice(0, end);
}

/** As OTEL_EXPORTER_OTLP_ENDPOINT is read; an address that says where metrics go is taken as it is. */
export function metricsUrl(url: URL): string {
  const whole = new URL(url);
  if (!whole.pathname.endsWith('/v1/metrics'))
    whole.pathname = `${whole.pathname.replace(/\/$/, '')}/v1/metrics`;
  return whole.href;
}

function readMs(env: NodeJS.ProcessEnv, name: string, otherwise: number): number {
  const text = env[name] ?? '';
  if (text === '') return otherwise;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value < 2 ** 31) return value;
  throw new Error(`${name} is "${text}"; expected a number of milliseconds`);
}
