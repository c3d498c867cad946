// One turn of a conversation: what was asked, or an answer with its state and figures.
// An answer's view stays the same element while it grows; only what changed is drawn.
import { copyButton } from '../shared/copy-button.js';
import { el } from '../shared/dom.js';
import { formatPart } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { announce } from './announcer.js';
import { type AnswerTurn, isUnderWay, type UserTurn } from './conversation.js';
import { failureView } from './failure-view.js';
import { droppedNotice, figuresView } from './figures-view.js';
import { MarkdownView } from './markdown-view.js';

export function userTurnView({ text }: UserTurn): HTMLElement {
  const name = el('h2', { class: 'visually-hidden' }, 'You');
  return el('article', { class: 'turn user-turn' }, name, el('div', { class: 'bubble' }, text));
}

export class AnswerTurnView {
  readonly element: HTMLElement;
  readonly #markdown = new MarkdownView();
  readonly #progress = el('div', { class: 'progress-line' });
  readonly #foot = el('div', { class: 'answer-foot' });
  readonly #retry: () => void;
  #drawnState = '';
  #isLive: boolean;

  constructor(turn: AnswerTurn, retry: () => void) {
    this.#retry = retry;
    this.#isLive = isUnderWay(turn);
    const name = el('h2', { class: 'visually-hidden' }, 'Answer');
    this.element = el('article', { class: 'turn answer-turn' }, name);
    this.element.append(this.#markdown.element, this.#progress, this.#foot);
    this.update(turn);
  }

  update(turn: AnswerTurn): void {
    const isDone = !isUnderWay(turn);
    this.#markdown.update(turn.text, isDone, (words) => {
      if (this.#isLive) announce(words);
    });
    if (this.#drawnState === stateKey(turn)) return;
    this.#drawnState = stateKey(turn);
    this.element.classList.toggle('is-writing', turn.state.kind === 'writing');
    this.element.setAttribute('aria-busy', String(!isDone));
    this.#progress.replaceChildren(...progressOf(turn));
    this.#foot.replaceChildren(...(isDone ? this.#footOf(turn) : []));
    if (isDone) this.#isLive = false;
  }

  #footOf(turn: AnswerTurn): (HTMLElement | string)[] {
    const { state, figures } = turn;
    const failure = state.kind === 'failed' && failureView(state.failure, this.#retry);
    const foot = [
      failure,
      endNotice(turn),
      figures && droppedNotice(figures),
      el(
        'div',
        { class: 'answer-line' },
        this.#actions(turn),
        figures && figuresView(figures, turn.model),
      ),
    ];
    return foot.filter((part) => part instanceof HTMLElement);
  }

  #actions(turn: AnswerTurn): HTMLElement {
    const props = { class: 'quiet-button retry', type: 'button', click: this.#retry };
    const retry = el('button', props, icon('retry'), el('span', {}, 'Try again'));
    return el(
      'div',
      { class: 'answer-actions' },
      turn.text !== '' && copyButton('Copy', () => turn.text),
      turn.state.kind !== 'failed' && retry,
    );
  }
}

/** The parts of an answer that are drawn only from its state. */
function stateKey({ state, figures }: AnswerTurn): string {
  return JSON.stringify([state, figures !== null]);
}

function progressOf({ state }: AnswerTurn): HTMLElement[] {
  if (state.kind === 'waiting') {
    const dots = [0, 1, 2].map(() => el('i'));
    return [
      el('p', { class: 'thinking' }, el('span', { class: 'visually-hidden' }, 'Thinking'), ...dots),
    ];
  }
  if (state.kind !== 'loading') return [];
  const bar = el('progress', { max: 1, 'aria-label': 'Loading the model' });
  if (state.progress !== null) bar.value = state.progress;
  const part = state.progress === null ? '' : ` · ${formatPart(state.progress)}`;
  return [el('p', { class: 'loading-words' }, `hearth is warming up${part}`), bar];
}

function endNotice({ state }: AnswerTurn): HTMLElement | null {
  if (state.kind === 'stopped') return el('p', { class: 'end-notice' }, 'Stopped.');
  if (state.kind === 'done' && state.finishReason === 'length')
    return el('p', { class: 'end-notice' }, 'The answer reached its longest allowed length.');
  return null;
}
