// An error as chat shows it: its message, and the engine's last words where its process died.
// Both can come from a file that nobody vouches for, so no control character is left in them.
// Decides nothing.

import { readable } from '../../terminal/foreign-text.js';
import { EngineError } from '../engine/engine-error.js';

const LAST_LINES = 6;

export function failureText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return readable([message, ...lastWords(error)].join('\n  '));
}

function lastWords(error: unknown): string[] {
  const tellsMore = error instanceof EngineError && /^(engine-died|load-failed)$/.test(error.code);
  return tellsMore ? (error.nativeLog ?? []).slice(-LAST_LINES) : [];
}
