// GET /health: ok only if the engine generated a token lately, or does so now.
// A process that answers says nothing of a model that hangs; a decode does, bounded in time and
// shared by all who ask at once. /health/live is only for the process.
import { once } from 'node:events';
import type { FastifyInstance } from 'fastify';
import type { EngineState } from '../engine/engine.js';
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
  #probe: Promise<Health> | null = null;

  constructor(
    service: Service,
    limits: HealthLimits = { freshMs: HEALTH_FRESH_MS, probeMs: HEALTH_PROBE_MS },
  ) {
    this.#service = service;
    this.#limits = limits;
  }

  /** Probes of the watchdog leave no row: there would be thousands a day. */
  async check({ isRecorded = true }: { isRecorded?: boolean } = {}): Promise<Health> {
    const { engine } = this.#service;
    if (engine.state.kind !== 'ready') return notReady(engine.state);
    const { lastTokenAtMs } = engine;
    if (lastTokenAtMs !== null && Date.now() - lastTokenAtMs < this.#limits.freshMs) return null;
    this.#probe ??= this.#ask(isRecorded).finally(() => {
      this.#probe = null;
    });
    return this.#probe;
  }

  async #ask(isRecorded: boolean): Promise<Health> {
    const { recorder, engine } = this.#service;
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

function notReady(state: EngineState): Health {
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
