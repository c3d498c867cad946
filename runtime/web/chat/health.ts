// Whether the model can answer, from GET /health.
// While it loads the server says how far it is, and a question waits here instead of failing.
import { field, ServerError } from '../shared/server-error.js';

export type ServerHealth =
  | { kind: 'ok' }
  | { kind: 'loading'; progress: number | null }
  | { kind: 'failed'; message: string }
  | { kind: 'unreachable' };

const POLL_MS = 1000;

export async function readHealth(): Promise<ServerHealth> {
  const response = await fetch('health', { cache: 'no-store' }).catch(() => null);
  if (!response) return { kind: 'unreachable' };
  if (response.ok) return { kind: 'ok' };
  const body: unknown = await response.json().catch(() => null);
  return healthOf(body) ?? { kind: 'failed', message: `HTTP ${response.status}` };
}

/** Resolves a moment after the model is loaded. Throws {@link ServerError} where it cannot be, and on abort. */
export async function untilLoaded(
  signal: AbortSignal,
  onProgress: (progress: number | null) => void,
): Promise<void> {
  for (;;) {
    const health = await readHealth();
    signal.throwIfAborted();
    if (health.kind === 'failed') throw new ServerError('broken', health.message);
    if (health.kind === 'unreachable') throw new ServerError('unreachable', 'no answer');
    onProgress(health.kind === 'ok' ? 1 : health.progress);
    await pause(POLL_MS, signal);
    if (health.kind === 'ok') return;
  }
}

function healthOf(body: unknown): ServerHealth | null {
  const error = field(body, 'error');
  const [status, progress, message] = ['status', 'progress', 'message'].map((name) =>
    field(error, name),
  );
  if (status === 'loading' || status === 'restarting')
    return { kind: 'loading', progress: typeof progress === 'number' ? progress : null };
  return typeof message === 'string' ? { kind: 'failed', message } : null;
}

function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, durationMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
