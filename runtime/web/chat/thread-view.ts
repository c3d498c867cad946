// The conversation that is shown: its turns, or a greeting where there are none.
// It follows a growing answer down the page until the person scrolls up. However fast tokens come
// it draws at most once a frame, and a long answer less often: most of the time is the person's.
import { askText } from '../shared/dialog.js';
import { byId, el } from '../shared/dom.js';
import { texts } from '../texts/texts.js';
import type { Answering } from './answering.js';
import { branchView } from './branch-view.js';
import { showBranch, shownTurns } from './branches.js';
import type { AnswerTurn, Conversation, Turn, UserTurn } from './conversation.js';
import type { ConversationStore } from './conversation-store.js';
import { greetingView } from './greeting-view.js';
import { AnswerTurnView, userTurnView } from './turn-view.js';

type View = { element: HTMLElement; branches: HTMLElement; answer: AnswerTurnView | null };

/** Distance in pixels from the end that still counts as being there. */
const NEAR_END_PX = 80;
/** The page rests this many times as long as the last drawing took. */
const REST_PER_DRAWING = 3;

export class ThreadView {
  readonly #store: ConversationStore;
  readonly #answering: Answering;
  readonly #scroller = byId('thread', HTMLElement);
  readonly #turns = byId('turns', HTMLElement);
  readonly #toEnd = byId('to-end', HTMLButtonElement);
  readonly #onSuggestion: (text: string) => void;
  readonly #changed = new Set<AnswerTurn>();
  #views = new Map<string, View>();
  #shownId = '';
  #follows = true;
  #restMs = 0;

  constructor(
    store: ConversationStore,
    answering: Answering,
    onSuggestion: (text: string) => void,
  ) {
    this.#store = store;
    this.#answering = answering;
    this.#onSuggestion = onSuggestion;
    this.#scroller.addEventListener('scroll', () => this.#noteScroll(), { passive: true });
    this.#toEnd.addEventListener('click', () => this.#goToEnd('smooth'));
    store.listen((change) => {
      if (change.kind === 'shown') this.#show(store.shown);
      else if (change.kind === 'answer') this.#redrawSoon(change.turn);
      else if (change.kind === 'answered') this.#redraw();
    });
    document.addEventListener('textschange', () => {
      this.#views.clear();
      this.#show(store.shown);
    });
    this.#show(store.shown);
  }

  /** Above a conversation without turns, until another is shown. */
  say(words: string): void {
    this.#turns.prepend(el('p', { class: 'notice', role: 'alert' }, words));
  }

  /** Draws the turns anew, keeping the views of those that were there. */
  #show(conversation: Conversation): void {
    const { scrollTop } = this.#scroller;
    const turns = shownTurns(conversation);
    const views = new Map(turns.map((turn) => [turn.id, this.#viewOf(turn)]));
    this.#views = views;
    for (const turn of turns) this.#drawBranches(conversation, turn);
    const elements = [...views.values()].map(({ element }) => element);
    this.#turns.replaceChildren(
      ...(elements.length > 0 ? elements : [greetingView(this.#onSuggestion)]),
    );
    // Another branch is looked at where one was; anything else at its end.
    const stays = conversation.id === this.#shownId && !this.#answering.isRunning(conversation);
    this.#shownId = conversation.id;
    if (stays) this.#scroller.scrollTop = scrollTop;
    else this.#goToEnd('instant');
  }

  #drawBranches(conversation: Conversation, turn: Turn): void {
    const show = (other: Turn) => this.#store.look(conversation, (it) => showBranch(it, other));
    const view = branchView(conversation, turn, show);
    this.#views.get(turn.id)?.branches.replaceChildren(...view);
  }

  #viewOf(turn: Turn): View {
    const known = this.#views.get(turn.id);
    if (known) return known;
    const branches = el('div', { class: 'branches' });
    if (turn.kind === 'user') {
      const element = userTurnView(turn, () => void this.#edit(turn));
      element.append(branches);
      return { element, branches, answer: null };
    }
    const answer = new AnswerTurnView(turn, {
      retry: () => void this.#answering.retry(this.#store.shown, turn),
      continue: () => void this.#answering.continue(this.#store.shown, turn),
    });
    answer.element.append(branches);
    return { element: answer.element, branches, answer };
  }

  async #edit(turn: UserTurn): Promise<void> {
    const conversation = this.#store.shown;
    const { edit, editLabel, editAction } = texts.turn;
    const asked = { title: edit, label: editLabel, value: turn.text, action: editAction, rows: 8 };
    const text = await askText(asked);
    if (text !== null) await this.#answering.edit(conversation, turn, text);
  }

  #redrawSoon(turn: AnswerTurn): void {
    if (!this.#views.has(turn.id)) return;
    if (this.#changed.size === 0)
      setTimeout(() => requestAnimationFrame(() => this.#redraw()), this.#restMs);
    this.#changed.add(turn);
  }

  #redraw(): void {
    const startMs = performance.now();
    for (const turn of this.#changed) this.#views.get(turn.id)?.answer?.update(turn);
    this.#changed.clear();
    if (this.#follows) this.#goToEnd('instant');
    this.#restMs = REST_PER_DRAWING * (performance.now() - startMs);
  }

  #noteScroll(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#follows = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    this.#toEnd.hidden = this.#follows;
  }

  #goToEnd(behavior: ScrollBehavior): void {
    this.#follows = true;
    this.#scroller.scrollTo({ top: this.#scroller.scrollHeight, behavior });
  }
}
