// Asking, stopping, asking again and going on: the life of each answer.
// One answer at a time in a conversation; several conversations may be answered together.
// A model that is still loading is waited for; every other failure is kept with the answer.
import { ServerError } from '../shared/server-error.js';
import { addTurn, dropTurn, pathTo } from './branches.js';
import { type CompletionEvent, complete } from './completion.js';
import {
  type AnswerTurn,
  type Attachment,
  type Conversation,
  newAnswerTurn,
  newUserTurn,
  titleOf,
  type UserTurn,
} from './conversation.js';
import type { ConversationStore } from './conversation-store.js';
import { type AnswerFigures, FigureWatch, joinFigures, updateFigures } from './figures.js';
import { untilLoaded } from './health.js';

type Running = { controller: AbortController; ended: Promise<void> };

export class Answering {
  readonly #store: ConversationStore;
  readonly #running = new Map<string, Running>();

  constructor(store: ConversationStore) {
    this.#store = store;
  }

  isRunning(conversation: Conversation): boolean {
    return this.#running.has(conversation.id);
  }

  send(conversation: Conversation, text: string, attachments: Attachment[]): Promise<void> {
    return this.#answer(conversation, () => {
      const question = newUserTurn(conversation.lastId, text, attachments);
      return this.#ask(conversation, question);
    });
  }

  /** Asks in other words, beside the question that stays in a branch of its own. */
  edit(conversation: Conversation, turn: UserTurn, text: string): Promise<void> {
    return this.#answer(conversation, () =>
      this.#ask(conversation, newUserTurn(turn.parentId, text, turn.attachments)),
    );
  }

  /** Asks again; the answer before stays in a branch of its own, if it has any words. */
  retry(conversation: Conversation, turn: AnswerTurn): Promise<void> {
    return this.#answer(conversation, () => {
      const isFollowed = conversation.turns.some(({ parentId }) => parentId === turn.id);
      if (turn.text === '' && !isFollowed) dropTurn(conversation, turn);
      const answer = newAnswerTurn(turn.parentId);
      addTurn(conversation, answer);
      return answer;
    });
  }

  /** Goes on where the answer was cut short. */
  continue(conversation: Conversation, turn: AnswerTurn): Promise<void> {
    return this.#answer(conversation, () => {
      turn.state = { kind: 'waiting' };
      return turn;
    });
  }

  stop(conversation: Conversation): Promise<void> {
    const running = this.#running.get(conversation.id);
    running?.controller.abort();
    return running?.ended ?? Promise.resolve();
  }

  #ask(conversation: Conversation, question: UserTurn): AnswerTurn {
    if (conversation.title === '')
      conversation.title = titleOf(question.text) || titleOf(question.attachments[0]?.name ?? '');
    addTurn(conversation, question);
    const answer = newAnswerTurn(question.id);
    addTurn(conversation, answer);
    return answer;
  }

  /** `prepare` returns the turn that is to be answered; an answer that still comes is stopped first. */
  async #answer(conversation: Conversation, prepare: () => AnswerTurn): Promise<void> {
    await this.stop(conversation);
    if (this.isRunning(conversation)) return;
    const controller = new AbortController();
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#running.set(conversation.id, { controller, ended });
    let turn: AnswerTurn | undefined;
    this.#store.change(conversation, () => {
      turn = prepare();
    });
    if (turn) {
      // A turn that goes on was drawn as ended.
      this.#store.changeAnswer(conversation, turn);
      await this.#receive(conversation, turn, controller.signal);
    }
    this.#running.delete(conversation.id);
    if (turn) this.#store.endAnswer(conversation, turn);
    end();
  }

  async #receive(conversation: Conversation, turn: AnswerTurn, signal: AbortSignal) {
    const before = turn.figures;
    const watch = new FigureWatch();
    let figures: AnswerFigures | null = null;
    try {
      for await (const event of this.#events(conversation, turn, signal)) {
        if (event.kind === 'text') watch.addPiece();
        if (event.kind === 'figures') figures = updateFigures(figures, event.figures);
        applyEvent(turn, event);
        this.#store.changeAnswer(conversation, turn);
      }
      if (turn.state.kind !== 'done') turn.state = { kind: 'done', finishReason: 'stop' };
    } catch (error) {
      turn.state = signal.aborted ? { kind: 'stopped' } : failedState(error);
    }
    figures ??= watch.figures();
    if (figures) turn.figures = joinFigures(before, figures);
  }

  /** Waits for a model that is loading, then asks again. */
  async *#events(
    conversation: Conversation,
    turn: AnswerTurn,
    signal: AbortSignal,
  ): AsyncGenerator<CompletionEvent> {
    const { text } = turn;
    for (;;) {
      try {
        const turns = pathTo(conversation.turns, turn.id);
        yield* complete(turns, conversation.settings, signal);
        return;
      } catch (error) {
        const isLoading = error instanceof ServerError && error.kind === 'loading';
        if (!isLoading || turn.text !== text || signal.aborted) throw error;
      }
      await untilLoaded(signal, (progress) => {
        turn.state = { kind: 'loading', progress };
        this.#store.changeAnswer(conversation, turn);
      });
    }
  }
}

function applyEvent(turn: AnswerTurn, event: CompletionEvent): void {
  if (event.kind === 'finish') {
    turn.state = { kind: 'done', finishReason: event.finishReason };
  } else if (event.kind === 'text') {
    turn.text += event.text;
    turn.model ??= event.model;
    turn.state = { kind: 'writing' };
  }
}

function failedState(error: unknown): AnswerTurn['state'] {
  if (error instanceof ServerError)
    return { kind: 'failed', failure: { kind: error.kind, message: error.message } };
  return { kind: 'failed', failure: { kind: 'broken', message: String(error) } };
}
