// GET /health: ok only if the engine generated a token lately, or does so now.
// A process that answers says nothing of a model that hangs; a decode does, bounded in time and
// shared by all who ask at once. /health/live is only for the process. Of several models, each that is
// loaded has to be well; one that is not loaded is when it is asked.
import { once } from 'node:events';
import type { FastifyInstance } from 'fastify';
import type { Engine } from '../engine/engine.js';
import type { LoadedModel } from '../models/served-model.js';
import { HEALTH_FRESH_MS, HEALTH_PROBE_MS } from './limits.js';
import { ApiError, toApiError } from './openai-error.js';
import type { Service } from './service.js';

/** Why it is not well, or null. `isLoading` where waiting is all that is needed. */
export type Health = { failure: ApiError; isLoading: boolean } | null;

export type HealthLimits = {
  /** How long a token speaks for the engine. */
  freshMs: number;
  probeMs: number;
};

export class HealthCheck {
  readonly #service: Service;
  readonly #limits: HealthLimits;
  readonly #probes = new Map<Engine, Promise<Health>>();

  constructor(
    service: Service,
    limits: HealthLimits = { freshMs: HEALTH_FRESH_MS, probeMs: HEALTH_PROBE_MS },
  ) {
    this.#service = service;
    this.#limits = limits;
  }

  /** Probes of the watchdog leave no row: there would be thousands a day. */
  async check({ isRecorded = true }: { isRecorded?: boolean } = {}): Promise<Health> {
    const { models } = this.#service.models;
    const found = await Promise.all(
      models.flatMap(({ loaded }) => (loaded ? this.#checkLoaded(loaded, isRecorded) : [])),
    );
    return found.find((health) => health !== null) ?? null;
  }

  async #checkLoaded(model: LoadedModel, isRecorded: boolean): Promise<Health> {
    const { engine } = model;
    if (engine.state.kind !== 'ready') return notReady(model);
    const { lastTokenAtMs } = engine;
    if (lastTokenAtMs !== null && Date.now() - lastTokenAtMs < this.#limits.freshMs) return null;
    const probe = this.#probes.get(engine) ?? this.#ask(model, isRecorded);
    this.#probes.set(engine, probe);
    return await probe.finally(() => this.#probes.delete(engine));
  }

  async #ask({ engine, recorder }: LoadedModel, isRecorded: boolean): Promise<Health> {
    const { probeMs } = this.#limits;
    try {
      const signal = AbortSignal.timeout(probeMs);
      const probe = isRecorded ? recorder.probe('/health', { signal }) : engine.probe({ signal });
      // An engine that hangs may not even notice the signal.
      const late = once(signal, 'abort').then(() => {
        throw new ApiError(`no answer within ${probeMs / 1000} s`, { status: 503 });
      });
      await Promise.race([probe, late]);
      return null;
    } catch (error) {
      // It was unloaded meanwhile.
      if (engine.state.kind === 'closed') return null;
      const { message } = toApiError(error);
      return { failure: unavailable(`the engine decodes no token: ${message}`), isLoading: false };
    }
  }
}

export function health(app: FastifyInstance, check: HealthCheck): void {
  app.get('/health', async () => {
    const found = await check.check();
    if (found) throw found.failure;
    return { status: 'ok' };
  });
  app.get('/health/live', async () => ({ status: 'ok' }));
}

function notReady({ engine: { state }, isOurs }: LoadedModel): Health {
  // The request that wants it waits; others are answered. And what failed is tried again when asked.
  if (isOurs && state.kind !== 'restarting') return null;
  if (state.kind === 'loading') {
    const { progress } = state;
    const message = `the model is being loaded: ${Math.round(progress * 100)} %`;
    return { failure: unavailable(message, { status: 'loading', progress }), isLoading: true };
  }
  if (state.kind === 'restarting') {
    const message = `the engine starts again: ${state.failure.message}`;
    const extra = { status: 'restarting', attempt: state.attempt };
    return { failure: unavailable(message, extra), isLoading: true };
  }
  const why = state.kind === 'failed' ? state.failure.message : 'it was closed';
  const failure = unavailable(`the engine gave up: ${why}`, { status: 'failed' });
  return { failure, isLoading: false };
}

function unavailable(message: string, extra: Record<string, unknown> = {}): ApiError {
  const type = 'unavailable_error';
  return new ApiError(message, { status: 503, type, code: 'unavailable', retryAfterS: 1, extra });
}
