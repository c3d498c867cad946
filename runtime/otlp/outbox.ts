// The answers that a collector has yet to get, and how far it got: the log is the queue.
// A batch is stored as the bytes to be sent before they are sent, and its answers count as handed on
// when it is acknowledged, in one transaction each; a process killed anywhere between sends the same
// bytes again. What is in a batch and when it is sent is otlp-export.ts's.
import { randomUUID } from 'node:crypto';
import type { Database } from 'better-sqlite3';

/** An answer with what its run says of it. Times are ms, sizes bytes; null where it is unknown. */
export type UnsentAnswer = {
  id: number;
  run_id: number;
  started_at: string;
  endpoint: string;
  prompt_tokens: number | null;
  cached_tokens: number | null;
  generated_tokens: number | null;
  queue_ms: number | null;
  ttft_ms: number | null;
  generation_ms: number | null;
  total_ms: number | null;
  stop_reason: string | null;
  error_code: string | null;
  rss_bytes: number | null;
  peak_rss_bytes: number | null;
  device_after_bytes: number | null;
  device_peak_bytes: number | null;
  model: string;
  backend: string | null;
  hearth_version: string;
  cpu: string;
};

/** `lastId` is the request that it ends with; everything unsent before it is in it. */
export type Batch = { lastId: number; answers: number; body: Uint8Array };

export type OutboxState = {
  instanceId: string;
  acknowledgedId: number;
  /** Unix time in ms; null before the first batch. */
  endedAtMs: number | null;
  /** Answers that were pruned before they were in a batch, and how many of them a batch told. */
  pruned: number;
  prunedTold: number;
};

/** What a batch changes of the state. */
export type BatchedState = Pick<OutboxState, 'instanceId' | 'prunedTold'> & { endedAtMs: number };

const UNSENT_SQL = `
SELECT request.id, run_id, request.started_at, endpoint, prompt_tokens, cached_tokens,
  generated_tokens, queue_ms, ttft_ms, generation_ms, total_ms, stop_reason, request.error_code,
  rss_bytes, peak_rss_bytes, device_after_bytes, device_peak_bytes,
  model.name AS model, run.backend, run.hearth_version, machine.cpu
FROM request
JOIN run ON run.id = run_id
JOIN model ON model.id = run.model_id
JOIN machine ON machine.id = run.machine_id
WHERE request.id > ? AND NOT is_probe
ORDER BY request.id LIMIT ?`;

const STATE_SQL = `
SELECT instance_id AS instanceId, acknowledged_id AS acknowledgedId, ended_at_ms AS endedAtMs,
  pruned, pruned_told AS prunedTold FROM otlp`;

const PUT_SQL = `
UPDATE otlp SET batch_id = @lastId, batch_answers = @answers, batch = @body,
  instance_id = @instanceId, ended_at_ms = @endedAtMs, pruned_told = @prunedTold`;

/** Without a batch, only probes lie between the two: they need not be looked at again. */
const SKIP_PROBES_SQL = `
UPDATE otlp SET acknowledged_id = (SELECT coalesce(max(id), 0) FROM request)
WHERE batch_id IS NULL AND acknowledged_id < (SELECT max(id) FROM request)`;

const ACKNOWLEDGE_SQL = `
UPDATE otlp SET acknowledged_id = batch_id, refused = refused + @refused,
  batch_id = NULL, batch_answers = NULL, batch = NULL`;

export class MetricsOutbox {
  readonly #db: Database;

  /** `db` is the log, open for writing. */
  constructor(db: Database) {
    this.#db = db;
    db.prepare(
      'INSERT INTO otlp (id, instance_id, acknowledged_id) VALUES (1, ?, 0) ON CONFLICT DO NOTHING',
    ).run(randomUUID());
  }

  state(): OutboxState {
    return this.#db.prepare(STATE_SQL).get() as OutboxState;
  }

  /** The batch that waits for its acknowledgement. */
  batch(): Batch | null {
    const sql = 'SELECT batch_id AS lastId, batch_answers AS answers, batch AS body FROM otlp';
    const found = this.#db.prepare(sql).get() as { lastId: number | null };
    return found.lastId === null ? null : (found as Batch);
  }

  /** The oldest answers that are in no batch, at most `limit`. */
  unsent(limit: number): UnsentAnswer[] {
    return this.#alone(() => {
      const { acknowledgedId } = this.state();
      const rows = this.#db.prepare(UNSENT_SQL).all(acknowledgedId, limit) as UnsentAnswer[];
      if (rows.length === 0) this.#db.prepare(SKIP_PROBES_SQL).run();
      return rows;
    });
  }

  /** False, and nothing is stored, where some of the answers are no longer there: they count as pruned. */
  put(batch: Batch, state: BatchedState): boolean {
    return this.#alone(() => {
      const { acknowledgedId } = this.state();
      const count = 'SELECT count(*) FROM request WHERE id > ? AND id <= ? AND NOT is_probe';
      const answers = this.#db.prepare(count).pluck().get(acknowledgedId, batch.lastId);
      if (answers !== batch.answers) return false;
      this.#db.prepare(PUT_SQL).run({ ...batch, ...state, body: Buffer.from(batch.body) });
      return true;
    });
  }

  /** The batch is done with: a collector has it, or `isRefused`. */
  acknowledge({ answers }: Batch, { isRefused = false } = {}): void {
    this.#db.prepare(ACKNOWLEDGE_SQL).run({ refused: isRefused ? answers : 0 });
  }

  /** Reads and writes under one lock; the log's own connection writes, too. */
  #alone<T>(use: () => T): T {
    return this.#db.transaction(use).immediate();
  }
}
