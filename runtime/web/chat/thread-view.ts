// The conversation that is shown: its turns, or a greeting where there are none.
// It follows a growing answer down the page until the person scrolls up. However fast tokens come
// it draws at most once a frame, and a long answer less often: most of the time is the person's.
import { byId } from '../shared/dom.js';
import type { Answering } from './answering.js';
import type { AnswerTurn, Conversation, Turn } from './conversation.js';
import type { ConversationStore } from './conversation-store.js';
import { greetingView } from './greeting-view.js';
import { AnswerTurnView, userTurnView } from './turn-view.js';

type View = { element: HTMLElement; answer: AnswerTurnView | null };

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
    this.#show(store.shown);
  }

  /** Draws the turns anew, keeping the views of those that were there. */
  #show(conversation: Conversation): void {
    const views = new Map(conversation.turns.map((turn) => [turn.id, this.#viewOf(turn)]));
    this.#views = views;
    const elements = [...views.values()].map(({ element }) => element);
    this.#turns.replaceChildren(
      ...(elements.length > 0 ? elements : [greetingView(this.#onSuggestion)]),
    );
    this.#goToEnd('instant');
  }

  #viewOf(turn: Turn): View {
    const known = this.#views.get(turn.id);
    if (known) return known;
    if (turn.kind === 'user') return { element: userTurnView(turn), answer: null };
    const answer = new AnswerTurnView(turn, () => this.#answering.retry(this.#store.shown));
    return { element: answer.element, answer };
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
