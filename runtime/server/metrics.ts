// GET /metrics: what Prometheus scrapes, kept with prom-client.
// Histograms and counters follow the rows that the recorder writes, so that they and the log agree;
// gauges are asked when somebody looks. Units are seconds, bytes and tokens.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Counter, Histogram } from 'prom-client';
import type { Engine, GenerateEvent, Memory } from '../engine/engine.js';
import type { AnswerLog } from '../log/answer-log.js';
import type { RequestFields } from '../log/answer-record.js';
import type { ServedModel } from '../models/served-model.js';
import { prometheus } from './prometheus.js';
import { readUpdateOutcome } from './update-outcome.js';

/** From a cached prompt on a GPU to a long one on a board. */
const LATENCY_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const TOKEN_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const MEMORY_PATIENCE_MS = 1_000;

export type MetricsOptions = {
  /** Of the models that are loaded. */
  engines: () => Engine[];
  /** Starts of engines after a death. */
  restarts: () => number;
  models: () => readonly ServedModel[];
  /** Requests that wait for a model to be loaded. */
  waiting: () => number;
  log: AnswerLog | null;
  /** Requests that have no end yet. */
  underWay: ReadonlySet<unknown>;
  /** Record of the device's last update; null where there is none. */
  updateOutcome?: string | null;
};

export class Metrics {
  readonly #registry = new prometheus.Registry();
  readonly #ttft = this.#histogram('ttft', 'From arrival to the first token', LATENCY_BUCKETS);
  readonly #interToken = this.#histogram('inter_token', 'Between two tokens', TOKEN_BUCKETS);
  readonly #request = this.#histogram('request', 'From arrival to the last token', LATENCY_BUCKETS);
  readonly #queue = this.#histogram('queue', 'Waiting for a free sequence', LATENCY_BUCKETS);
  readonly #requests = this.#counter('requests', 'Requests by outcome', ['endpoint', 'outcome']);
  readonly #promptTokens = this.#counter('prompt_tokens', 'Tokens of prompts, cached included');
  readonly #cachedTokens = this.#counter(
    'cached_tokens',
    'Tokens of prompts found in the KV cache',
  );
  readonly #generatedTokens = this.#counter('generated_tokens', 'Tokens generated');
  readonly #draftTokens = this.#counter('draft_tokens', 'Tokens drafted by a smaller model');
  readonly #acceptedTokens = this.#counter(
    'draft_accepted_tokens',
    'Drafted tokens that the model took',
  );
  #draftGain: number | null = null;
  readonly #responses = this.#counter('http_responses', 'Responses by status', ['status']);
  readonly #droppedTurns = this.#counter('dropped_turns', 'Turns cut because the context was full');

  constructor({
    engines,
    restarts,
    models,
    waiting,
    log,
    underWay,
    updateOutcome,
  }: MetricsOptions) {
    const readMemory = memoryReader(engines);
    this.#counter('engine_restarts', 'Starts of the engine after the first', [], (counter) => {
      counter.reset();
      counter.inc(restarts());
    });
    // A model that is loaded when it is asked is no reason to send anybody away.
    this.#gauge('engine_ready', '1 while an engine can answer, or none is loaded', () =>
      engines().length === 0 || engines().some(({ state }) => state.kind === 'ready') ? 1 : 0,
    );
    this.#modelsLoaded(models);
    this.#gauge('rss_bytes', 'Memory of the engines', async () => (await readMemory())?.rssBytes);
    this.#gauge('device_memory_bytes', 'GPU memory in use', async () => {
      return (await readMemory())?.deviceAfterBytes;
    });
    this.#gauge('server_rss_bytes', 'Memory of the server', () => process.memoryUsage.rss());
    const slots = () => engines().flatMap((engine) => engine.slots());
    this.#gauge('slots', 'Sequences decoded together', () => slots().length);
    this.#gauge('slots_busy', 'Those that answer now', () => slots().filter((s) => s.busy).length);
    this.#gauge('requests_under_way', 'Requests answered now or waiting', () => underWay.size);
    this.#gauge('kv_used_tokens', 'Tokens in the KV cache', () =>
      slots().reduce((sum, { contextUsed }) => sum + contextUsed, 0),
    );
    this.#gauge('kv_tokens', 'Tokens that the KV cache holds', () => kvTokens(engines()));
    this.#gauge('requests_waiting_for_model', 'Requests whose model is not loaded yet', waiting);
    this.#gauge('draft_gain', 'Speed with drafts by speed without', () => this.#draftGain);
    this.#forGateways(engines, waiting);
    if (updateOutcome) this.#forUpdates(updateOutcome);
    this.#gauge('log_unwritten_rows', 'Rows of the log that wait or were given up', () =>
      log ? log.unwrittenRows : 0,
    );
  }

  count({ endpoint, timings, stopReason, error, droppedTurns, isProbe }: RequestFields): void {
    if (isProbe) return;
    const outcome = error?.code ?? stopReason ?? 'abort';
    this.#requests.inc({ endpoint, outcome });
    this.#droppedTurns.inc(droppedTurns ?? 0);
    this.#promptTokens.inc(timings?.promptTokens ?? 0);
    this.#cachedTokens.inc(timings?.cachedTokens ?? 0);
    this.#generatedTokens.inc(timings?.generatedTokens ?? 0);
    this.#draftTokens.inc(timings?.draft?.tokens ?? 0);
    this.#acceptedTokens.inc(timings?.draft?.acceptedTokens ?? 0);
    this.#draftGain = timings?.draft?.gain ?? this.#draftGain;
    if (error) return;
    observe(this.#ttft, timings?.generatedTokens ? timings.ttftMs : undefined);
    observe(this.#request, timings?.totalMs);
    observe(this.#queue, timings?.queueMs);
  }

  /** Takes the events of one answer and times the pauses between its tokens. */
  pace(): (event: GenerateEvent) => void {
    let lastAt: number | null = null;
    return (event) => {
      if (event.kind !== 'token') return;
      const now = performance.now();
      if (lastAt !== null) this.#interToken.observe((now - lastAt) / 1000);
      lastAt = now;
    };
  }

  register(app: FastifyInstance): void {
    app.addHook('onResponse', async (_request, { statusCode }) => {
      this.#responses.inc({ status: statusCode });
    });
    app.get('/metrics', async (_request, reply) => {
      reply.type(this.#registry.contentType);
      return this.#registry.metrics();
    });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    const registers = [this.#registry];
    return new prometheus.Histogram({ name: `hearth_${name}_seconds`, help, buckets, registers });
  }

  #counter(
    name: string,
    help: string,
    labelNames: string[] = [],
    collect: (counter: Counter) => void = () => {},
  ): Counter {
    return new prometheus.Counter({
      name: `hearth_${name}_total`,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        collect(this);
      },
    });
  }

  /** Who looks after many devices counts them by release and by what became of it. */
  #forUpdates(record: string): void {
    new prometheus.Gauge({
      name: 'hearth_update',
      help: '1 for how the last update of the device ended',
      labelNames: ['outcome', 'release'],
      registers: [this.#registry],
      async collect() {
        this.reset();
        const found = await readUpdateOutcome(record);
        if (found) this.set({ outcome: found.outcome, release: found.release }, 1);
      },
    });
  }

  /**
   * What inference gateways choose a replica by, under the names that they read where they are told
   * nothing else: vLLM's, as the Gateway API's inference extension has them.
   */
  #forGateways(engines: () => Engine[], waitingForModel: () => number): void {
    const busy = () => engines().flatMap((engine) => engine.slots().filter((s) => s.busy)).length;
    const waiting = () =>
      engines().reduce((count, engine) => count + engine.waiting, waitingForModel());
    const gauge = (name: string, help: string, read: () => number) =>
      this.#gauge(name, help, read, { prefix: 'vllm:' });
    gauge('num_requests_waiting', 'Requests that wait for a sequence', waiting);
    gauge('num_requests_running', 'Requests that are answered now', busy);
    gauge('kv_cache_usage_perc', 'Part of the KV cache in use, 0 to 1', () => kvUse(engines()));
  }

  #modelsLoaded(models: () => readonly ServedModel[]): void {
    new prometheus.Gauge({
      name: 'hearth_model_loaded',
      help: '1 for each model that is loaded',
      labelNames: ['model'],
      registers: [this.#registry],
      collect() {
        for (const { id, isLoaded } of models()) this.set({ model: id }, isLoaded ? 1 : 0);
      },
    });
  }

  /** A value that is unknown now is left out. */
  #gauge(
    name: string,
    help: string,
    read: () => MaybeReading | Promise<MaybeReading>,
    { prefix = 'hearth_' } = {},
  ): void {
    new prometheus.Gauge({
      name: `${prefix}${name}`,
      help,
      registers: [this.#registry],
      async collect() {
        const value = await read();
        if (typeof value === 'number') this.set(value);
        else this.remove();
      },
    });
  }
}

/** Of answers under way only: what idle sequences still hold gives way to whatever comes. */
function kvUse(engines: Engine[]): number {
  const busy = engines.flatMap((engine) => engine.slots().filter((slot) => slot.busy));
  const used = busy.reduce((sum, { contextUsed }) => sum + contextUsed, 0);
  return used === 0 ? 0 : used / kvTokens(engines);
}

function kvTokens(engines: Engine[]): number {
  return engines.reduce((sum, { info }) => sum + (info ? info.nCtx * info.parallel : 0), 0);
}

type MaybeReading = number | null | undefined;

function observe(histogram: Histogram, ms: number | undefined): void {
  if (ms !== undefined && Number.isFinite(ms)) histogram.observe(ms / 1000);
}

type HeldMemory = Pick<Memory, 'rssBytes' | 'deviceAfterBytes'>;

/** One question to each engine for all gauges of a scrape; an engine that hangs holds up none. */
function memoryReader(engines: () => Engine[]): () => Promise<HeldMemory | null> {
  let asked: Promise<HeldMemory | null> | null = null;
  return () => {
    asked ??= readMemory(engines()).finally(() => {
      asked = null;
    });
    return asked;
  };
}

/** Of all together, a GPU's as the one that reads it sees it; null where none runs or answers in time. */
export async function readMemory(engines: Engine[]): Promise<HeldMemory | null> {
  const read = await Promise.all(engines.map(readEngineMemory));
  const known = read.filter((memory) => memory !== null);
  if (known.length === 0) return null;
  const devices = known.flatMap(({ deviceAfterBytes }) => deviceAfterBytes ?? []);
  return {
    rssBytes: known.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    deviceAfterBytes: devices.length > 0 ? Math.max(...devices) : null,
  };
}

async function readEngineMemory(engine: Engine): Promise<Memory | null> {
  if (engine.state.kind !== 'ready') return null;
  const late = sleep(MEMORY_PATIENCE_MS, null, { ref: false });
  return await Promise.race([engine.memory().catch(() => null), late]);
}
