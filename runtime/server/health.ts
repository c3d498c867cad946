// GET /health: ok only if the engine generated a token lately, or does so now.
// A process that answers says nothing of a model that hangs; a decode does, bounded in time and
// shared by all who ask at once. /health/live is for the process alone.
import type { FastifyInstance } from 'fastify';
import type { EngineState } from '../engine/contract.js';
import { HEALTH_FRESH_MS, HEALTH_PROBE_MS } from './limits.js';
import { ApiError, toApiError } from './openai-error.js';
import type { Service } from './service.js';

/** Why it is not well, or null. `isLoading` where waiting is all that is needed. */
export type Health = { failure: ApiError; isLoading: boolean } | null;

export class HealthCheck {
  readonly #service: Service;
  #probe: Promise<Health> | null = null;

  constructor(service: Service) {
    this.#service = service;
  }

  async check(): Promise<Health> {
    const { engine } = this.#service;
    if (engine.state.kind !== 'ready') return notReady(engine.state);
    const { lastTokenAtMs } = engine;
    if (lastTokenAtMs !== null && Date.now() - lastTokenAtMs < HEALTH_FRESH_MS) return null;
    this.#probe ??= this.#ask().finally(() => {
      this.#probe = null;
    });
    return this.#probe;
  }

  async #ask(): Promise<Health> {
    try {
      const signal = AbortSignal.timeout(HEALTH_PROBE_MS);
      await withTimeout(this.#service.recorder.probe('/health', { signal }), signal);
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
  return {
    failure: unavailable(`the engine gave up: ${why}`, { status: 'failed' }),
    isLoading: false,
  };
}

function unavailable(message: string, extra: Record<string, unknown> = {}): ApiError {
  const type = 'unavailable_error';
  return new ApiError(message, { status: 503, type, code: 'unavailable', retryAfterS: 1, extra });
}

/** An engine that hangs may not even notice the signal. */
async function withTimeout(asked: Promise<void>, signal: AbortSignal): Promise<void> {
  const late = new Promise<never>((_resolve, reject) => {
    const why = `no answer within ${HEALTH_PROBE_MS / 1000} s`;
    signal.addEventListener('abort', () => reject(new ApiError(why, { status: 503 })), {
      once: true,
    });
  });
  await Promise.race([asked, late]);
}
