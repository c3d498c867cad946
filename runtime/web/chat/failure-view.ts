// A failed answer in words: what happened, what the server said, and what one can do.
// The server's own message is shown too, as it names figures and remedies.
import { el } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import type { Failure, FailureKind } from '../shared/server-error.js';

const WORDS: Record<FailureKind, [title: string, hint: string]> = {
  unreachable: [
    'hearth does not answer',
    'Check that the device is switched on and in the same network, then try again.',
  ],
  'no-key': ['hearth is locked', 'Try again to enter its API key.'],
  loading: ['The model is not ready', 'It is being loaded; try again in a moment.'],
  busy: ['hearth is busy with other answers', 'Wait a few seconds, then try again.'],
  overflow: [
    'This conversation is too long for the model',
    'Start a new conversation, or ask something shorter.',
  ],
  refused: ['hearth did not accept this', 'Check the settings, then try again.'],
  broken: [
    'The answer broke off',
    'hearth starts the model again by itself. Try again in a moment.',
  ],
};

/** What passes by itself is shown more quietly. */
const PASSING: ReadonlySet<FailureKind> = new Set(['busy', 'loading', 'no-key']);
/** Their message says no more than their title. */
const SPEECHLESS: ReadonlySet<FailureKind> = new Set(['unreachable', 'no-key']);

export function failureView({ kind, message }: Failure, retry: () => void): HTMLElement {
  const [title, hint] = WORDS[kind];
  return el(
    'div',
    { class: PASSING.has(kind) ? 'failure passing' : 'failure', role: 'alert' },
    el('p', { class: 'failure-title' }, title),
    message !== '' && !SPEECHLESS.has(kind) && el('p', { class: 'failure-message' }, message),
    el('p', {}, hint),
    el('button', { class: 'button', type: 'button', click: retry }, icon('retry'), 'Try again'),
  );
}
