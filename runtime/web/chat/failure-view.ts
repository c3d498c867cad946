// A failed answer in words for the household: what happened, and what one can do.
// The server's own message names figures and remedies for who set it up: it is behind a fold.
import { el } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import type { Failure, FailureKind } from '../shared/server-error.js';
import { texts } from '../texts/texts.js';

/** What passes by itself is shown more quietly. */
const PASSING: ReadonlySet<FailureKind> = new Set(['busy', 'loading', 'no-key']);
/** Their message says no more than their title. */
const SPEECHLESS: ReadonlySet<FailureKind> = new Set(['unreachable', 'no-key']);

export function failureView({ kind, message }: Failure, retry: () => void): HTMLElement {
  const [title = '', hint = ''] = texts.failures[kind];
  return el(
    'div',
    { class: PASSING.has(kind) ? 'failure passing' : 'failure', role: 'alert' },
    el('p', { class: 'failure-title' }, title),
    el('p', {}, hint),
    message !== '' && !SPEECHLESS.has(kind) && detailsOf(message),
    el(
      'button',
      { class: 'button', type: 'button', click: retry },
      icon('retry'),
      texts.common.tryAgain,
    ),
  );
}

function detailsOf(message: string): HTMLElement {
  const summary = el('summary', {}, texts.common.details);
  return el('details', {}, summary, el('p', { class: 'failure-message' }, message));
}
