// The server from start to end: it listens, tells systemd, answers, and stops in order.
// Listening comes before the model is loaded, so that a supervisor can watch the load.
import type { FastifyInstance } from 'fastify';
import type { EngineInfo, EngineOptions } from '../engine/engine.js';
import { startEngine } from '../engine/restarting-engine.js';
import type { AnswerLog } from '../log/answer-log.js';
import { openLogReader } from '../log/log-reader.js';
import { Recorder } from '../log/recorder.js';
import { ModelPool } from '../models/model-pool.js';
import { type Planner, UNPLANNED } from '../models/planner.js';
import type { ModelChoice } from '../models/served-model.js';
import type { AccessOptions } from './access.js';
import { createApp } from './app.js';
import { followConnections } from './connections.js';
import { HealthCheck, type HealthLimits } from './health.js';
import { SHUTDOWN_MS } from './limits.js';
import { type ListenAt, listen } from './listen.js';
import { Metrics } from './metrics.js';
import type { Service, UnderWay } from './service.js';
import type { SetupOptions } from './setup.js';

export type ServerOptions = Partial<AccessOptions> & {
  /** Each is loaded when it is first asked, unless it is pinned or has an engine. */
  models: ModelChoice[];
  /** Most memory of several models together, in bytes; null for what is free. */
  memoryBytes?: number | null;
  /** How long a model stays that nobody asks; null for always. */
  idleMs?: number | null;
  log: AnswerLog | null;
  keepText?: boolean;
  hearthVersion: string;
  listen: ListenAt;
  overflow?: 'error' | 'drop-oldest';
  /** How long an answer may take, waiting included; null for as long as it likes. */
  deadlineMs?: number | null;
  /** Record of the device's last update; null where there is none. */
  updateOutcome?: string | null;
  /** Of a device that nobody has set up yet. */
  setup?: SetupOptions | null;
  sampleEveryMs?: number;
  headersTimeoutMs?: number;
  requestTimeoutMs?: number;
  healthLimits?: HealthLimits;
  webFolder?: string;
  onWarning?: (message: string) => void;
  /** Told of models that are loaded and unloaded, in words. */
  onChange?: (message: string) => void;
  onLoaded?: (settings: EngineOptions, info: EngineInfo) => void;
};

export type HearthServer = {
  readonly address: string;
  readonly health: HealthCheck;
  readonly models: ModelPool;
  /**
   * Refuses what is new and waits for answers under way; those beyond the deadline are cut, all of
   * them when `hurry` aborts. What waits for a sequence for half of that time is refused, too.
   */
  close(options?: { hurry?: AbortSignal }): Promise<void>;
};

const OPEN: AccessOptions = { apiKeys: [], corsOrigins: [], allowedHosts: [], rateLimit: null };

/** Listens and answers. Throws {@link ListenError} where the port or the socket cannot be had. */
export async function startServer(options: ServerOptions): Promise<HearthServer> {
  const service = makeService(options, await plannerOf(options));
  const healthCheck = new HealthCheck(service, options.healthLimits);
  const app = await createApp({
    ...OPEN,
    ...options,
    service,
    healthCheck,
    onError: (error) =>
      options.onWarning?.(error instanceof Error ? (error.stack ?? '') : `${error}`),
  });
  const closeUnanswered = followConnections(app.server);
  const address = await listen(app, options.listen);
  return {
    address,
    health: healthCheck,
    models: service.models,
    close: ({ hurry } = {}) => close({ app, service, closeUnanswered, hurry }),
  };
}

function makeService(options: ServerOptions, planner: Planner): Service {
  const { log, hearthVersion, updateOutcome = null } = options;
  const underWay = new Set<UnderWay>();
  const metrics: Metrics = new Metrics({
    engines: () => models.engines,
    restarts: () => models.restarts,
    models: () => models.models,
    waiting: () => models.waiting,
    ...{ log, underWay, updateOutcome },
  });
  const onRow = metrics.count.bind(metrics);
  const models: ModelPool = new ModelPool({
    ...options,
    planner,
    idleMs: options.idleMs ?? null,
    startEngine: (settings) =>
      startEngine(settings, { onNotice: (text) => options.onChange?.(text) }),
    openRecorder: (started): Recorder => new Recorder({ ...options, ...started, onRow }),
  });
  return {
    models,
    metrics,
    log,
    hearthVersion,
    openReader: log && (() => openLogReader({ path: log.path })),
    createdS: Math.floor(Date.now() / 1000),
    overflow: options.overflow ?? 'error',
    deadlineMs: options.deadlineMs ?? null,
    updateOutcome,
    underWay,
  };
}

/** What predicts memory is loaded only where it is needed: one model starts the sooner, and takes less. */
async function plannerOf({ models, memoryBytes = null }: ServerOptions): Promise<Planner> {
  if (models.length < 2 && memoryBytes === null) return UNPLANNED;
  const { MemoryPlanner } = await import('../models/memory-planner.js');
  return new MemoryPlanner(memoryBytes);
}

type Closing = {
  app: FastifyInstance;
  service: Service;
  closeUnanswered: () => void;
  hurry: AbortSignal | undefined;
};

async function close({ app, service, closeUnanswered, hurry }: Closing): Promise<void> {
  let hangUp: NodeJS.Timeout | undefined;
  const cut = () => {
    for (const { abort } of service.underWay) abort.abort();
    // An answer that is cut still has its last event to send.
    hangUp ??= setTimeout(() => app.server.closeAllConnections(), HANG_UP_MS);
  };
  // What begins now has the other half to end in; behind a balancer another replica takes the rest.
  const refuse = () => {
    for (const { abort, hasBegun } of service.underWay) if (!hasBegun) abort.abort();
  };
  const limitMs = service.deadlineMs ?? SHUTDOWN_MS;
  const waiting = setTimeout(refuse, limitMs / 2);
  const late = setTimeout(cut, limitMs);
  hurry?.addEventListener('abort', cut, { once: true });
  if (hurry?.aborted) cut();
  const unanswered = setInterval(closeUnanswered, CONNECTION_CHECK_MS);
  await app.close();
  clearTimeout(waiting);
  clearTimeout(late);
  clearTimeout(hangUp);
  clearInterval(unanswered);
  await service.models.close();
}

const HANG_UP_MS = 1_000;
const CONNECTION_CHECK_MS = 100;
