// The server from start to end: it listens, tells systemd, answers, and stops in order.
// Listening comes before the model is loaded, so that a supervisor can watch the load.
import type { FastifyInstance } from 'fastify';
import type { Engine, EngineOptions } from '../engine/engine.js';
import type { AnswerLog } from '../log/answer-log.js';
import { openLogReader } from '../log/log-reader.js';
import { Recorder } from '../log/recorder.js';
import type { AccessOptions } from './access.js';
import { createApp } from './app.js';
import { followConnections } from './connections.js';
import { HealthCheck, type HealthLimits } from './health.js';
import { SHUTDOWN_MS } from './limits.js';
import { type ListenAt, listen } from './listen.js';
import { Metrics } from './metrics.js';
import { modelIdOf } from './models.js';
import type { Service, UnderWay } from './service.js';

export type ServerOptions = Partial<AccessOptions> & {
  engine: Engine;
  settings: EngineOptions;
  log: AnswerLog | null;
  keepText?: boolean;
  hearthVersion: string;
  listen: ListenAt;
  /** The model's name for callers; default its file's. */
  alias?: string;
  overflow?: 'error' | 'drop-oldest';
  /** How long an answer may take, waiting included; null for as long as it likes. */
  deadlineMs?: number | null;
  sampleEveryMs?: number;
  headersTimeoutMs?: number;
  requestTimeoutMs?: number;
  healthLimits?: HealthLimits;
  webFolder?: string;
  onWarning?: (message: string) => void;
};

export type HearthServer = {
  readonly address: string;
  readonly health: HealthCheck;
  /**
   * Refuses what is new and waits for answers under way; those beyond the deadline are cut, all of
   * them when `hurry` aborts. What waits for a sequence for half of that time is refused, too.
   */
  close(options?: { hurry?: AbortSignal }): Promise<void>;
};

const OPEN: AccessOptions = { apiKeys: [], corsOrigins: [], allowedHosts: [], rateLimit: null };

/** Listens and answers. Throws {@link ListenError} where the port or the socket cannot be had. */
export async function startServer(options: ServerOptions): Promise<HearthServer> {
  const service = makeService(options);
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
    close: ({ hurry } = {}) => close({ app, service, closeUnanswered, hurry }),
  };
}

function makeService(options: ServerOptions): Service {
  const { engine, log, settings, hearthVersion } = options;
  const underWay = new Set<UnderWay>();
  const metrics = new Metrics({ engine, log, underWay });
  const recorder = new Recorder({ ...options, onRow: (row) => metrics.count(row) });
  return {
    engine,
    recorder,
    metrics,
    log,
    hearthVersion,
    openReader: log && (() => openLogReader({ path: log.path })),
    modelId: options.alias ?? modelIdOf(settings.modelPath),
    createdS: Math.floor(Date.now() / 1000),
    overflow: options.overflow ?? 'error',
    deadlineMs: options.deadlineMs ?? null,
    maxQueue: settings.maxQueue ?? null,
    underWay,
  };
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
  await service.recorder.close();
}

const HANG_UP_MS = 1_000;
const CONNECTION_CHECK_MS = 100;
