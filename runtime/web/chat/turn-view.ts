// One turn of a conversation: what was asked, or an answer with its state and figures.
// An answer's view stays the same element while it grows; only what changed is drawn.
import { copyButton } from '../shared/copy-button.js';
import { el } from '../shared/dom.js';
import { formatPart } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { texts } from '../texts/texts.js';
import { announce } from './announcer.js';
import { fileChip } from './attachments/file-chip.js';
import { type AnswerTurn, isCutShort, isUnderWay, type UserTurn } from './conversation.js';
import { failureView } from './failure-view.js';
import { droppedNotice, figuresView } from './figures-view.js';
import { MarkdownView } from './markdown-view.js';

/** A question with more than this is folded until a person asks for all of it. */
const LONG_LETTERS = 1200;
const LONG_LINES = 16;

export function userTurnView({ text, attachments }: UserTurn, edit: () => void): HTMLElement {
  const props = { class: 'quiet-button', type: 'button', click: edit };
  return el(
    'article',
    { class: 'turn user-turn' },
    el('h2', { class: 'visually-hidden' }, texts.turn.you),
    attachments.length > 0 &&
      el('div', { class: 'attachments' }, ...attachments.map(({ name }) => fileChip(name))),
    text !== '' && bubbleOf(text),
    el('div', { class: 'turn-actions' }, el('button', props, icon('edit'), texts.turn.edit)),
  );
}

export type AnswerActions = { retry: () => void; continue: () => void };

export class AnswerTurnView {
  readonly element: HTMLElement;
  readonly #markdown = new MarkdownView();
  readonly #progress = el('div', { class: 'progress-line' });
  readonly #foot = el('div', { class: 'answer-foot' });
  readonly #actions: AnswerActions;
  #drawnState = '';
  #isLive: boolean;

  constructor(turn: AnswerTurn, actions: AnswerActions) {
    this.#actions = actions;
    this.#isLive = isUnderWay(turn);
    const name = el('h2', { class: 'visually-hidden' }, texts.turn.answer);
    this.element = el('article', { class: 'turn answer-turn' }, name);
    this.element.append(this.#markdown.element, this.#progress, this.#foot);
    this.update(turn);
  }

  update(turn: AnswerTurn): void {
    const isDone = !isUnderWay(turn);
    if (!isDone) this.#isLive = true;
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
    const failure = state.kind === 'failed' && failureView(state.failure, this.#actions.retry);
    const foot = [
      failure,
      endNotice(turn),
      figures && droppedNotice(figures),
      el(
        'div',
        { class: 'answer-line' },
        this.#actionsOf(turn),
        figures && figuresView(figures, turn.model),
      ),
    ];
    return foot.filter((part) => part instanceof HTMLElement);
  }

  #actionsOf(turn: AnswerTurn): HTMLElement {
    const words = texts.turn;
    return el(
      'div',
      { class: 'turn-actions' },
      isCutShort(turn) && this.#button('forward', words.continue, this.#actions.continue),
      turn.text !== '' && copyButton(words.copy, () => turn.text),
      turn.state.kind !== 'failed' &&
        this.#button('retry', texts.common.tryAgain, this.#actions.retry),
    );
  }

  /** Only the last answer can be asked for again or go on. */
  #button(name: 'retry' | 'forward', label: string, click: () => void): HTMLElement {
    const props = { class: 'quiet-button only-last', type: 'button', click };
    return el('button', props, icon(name), el('span', {}, label));
  }
}

function bubbleOf(text: string): HTMLElement {
  const bubble = el('div', { class: 'bubble' }, text);
  if (text.length <= LONG_LETTERS && text.split('\n', LONG_LINES + 1).length <= LONG_LINES)
    return bubble;
  bubble.classList.add('folded');
  const button = el('button', { class: 'quiet-button fold', type: 'button' });
  const show = (isFolded: boolean) => {
    bubble.classList.toggle('folded', isFolded);
    button.setAttribute('aria-expanded', String(!isFolded));
    button.textContent = isFolded ? texts.turn.showAll : texts.turn.showLess;
  };
  button.addEventListener('click', () => show(!bubble.classList.contains('folded')));
  show(true);
  return el('div', { class: 'long' }, bubble, button);
}

/** The parts of an answer that are drawn only from its state. */
function stateKey({ state, figures }: AnswerTurn): string {
  return JSON.stringify([state, figures !== null]);
}

function progressOf({ state }: AnswerTurn): HTMLElement[] {
  if (state.kind === 'waiting') {
    const dots = [0, 1, 2].map(() => el('i'));
    const words = el('span', { class: 'visually-hidden' }, texts.turn.thinking);
    return [el('p', { class: 'thinking' }, words, ...dots)];
  }
  if (state.kind !== 'loading') return [];
  const bar = el('progress', { max: 1, 'aria-label': texts.turn.loadingModel });
  if (state.progress !== null) bar.value = state.progress;
  const part = state.progress === null ? '' : formatPart(state.progress);
  return [el('p', { class: 'loading-words' }, texts.turn.warmingUp(part)), bar];
}

function endNotice({ state }: AnswerTurn): HTMLElement | null {
  if (state.kind === 'stopped') return el('p', { class: 'end-notice' }, texts.turn.stopped);
  if (state.kind === 'done' && state.finishReason === 'length')
    return el('p', { class: 'end-notice' }, texts.turn.reachedLength);
  return null;
}
