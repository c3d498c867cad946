// A failed answer in words: what happened, what the server said, and what one can do.
// The server's own message is shown too, as it names figures and remedies.
import { el } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import type { Failure, FailureKind } from '../shared/server-error.js';

const WORDS: Record<FailureKind, { title: string; hint: string; showsMessage: boolean }> = {
  unreachable: {
    title: 'hearth does not answer',
    hint: 'Check that the device is switched on and in the same network, then try again.',
    showsMessage: false,
  },
  'no-key': {
    title: 'hearth is locked',
    hint: 'Try again to enter its API key.',
    showsMessage: false,
  },
  loading: {
    title: 'The model is not ready',
    hint: 'It is being loaded; try again in a moment.',
    showsMessage: true,
  },
  busy: {
    title: 'hearth is busy with other answers',
    hint: 'Wait a few seconds, then try again.',
    showsMessage: true,
  },
  overflow: {
    title: 'This conversation is too long for the model',
    hint: 'Start a new conversation, or ask something shorter.',
    showsMessage: true,
  },
  refused: {
    title: 'hearth did not accept this',
    hint: 'Check the settings, then try again.',
    showsMessage: true,
  },
  broken: {
    title: 'The answer broke off',
    hint: 'hearth starts the model again by itself. Try again in a moment.',
    showsMessage: true,
  },
};

/** What passes by itself is shown more quietly. */
const PASSING: ReadonlySet<FailureKind> = new Set(['busy', 'loading', 'no-key']);

export function failureView({ kind, message }: Failure, retry: () => void): HTMLElement {
  const { title, hint, showsMessage } = WORDS[kind];
  const button = el('button', { class: 'button', type: 'button' }, icon('retry'), 'Try again');
  button.addEventListener('click', retry);
  return el(
    'div',
    { class: PASSING.has(kind) ? 'failure passing' : 'failure', role: 'alert' },
    el('p', { class: 'failure-title' }, title),
    showsMessage && message !== '' && el('p', { class: 'failure-message' }, message),
    el('p', {}, hint),
    button,
  );
}
