// An error as chat shows it: its message, and the engine's last words where its process died.
// Both can come from a file that nobody vouches for, so no control character is left in them.
// Decides nothing.
import { EngineError } from '../engine/engine-error.js';
import { safeText } from './safe-text.js';

const LAST_LINES = 6;

export function failureText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return safeText([message, ...lastWords(error)].join('\n  '));
}

function lastWords(error: unknown): string[] {
  const tellsMore = error instanceof EngineError && /^(engine-died|load-failed)$/.test(error.code);
  return tellsMore ? (error.nativeLog ?? []).slice(-LAST_LINES) : [];
}
