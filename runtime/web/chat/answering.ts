// Asking, stopping and asking again: the life of each answer.
// One answer at a time in a conversation; several conversations may be answered together.
// A model that is still loading is waited for; every other failure is kept with the answer.
import { ServerError } from '../shared/server-error.js';
import { type CompletionEvent, complete } from './completion.js';
import {
  type AnswerTurn,
  type Conversation,
  newAnswerTurn,
  newUserTurn,
  titleOf,
  UNTITLED,
} from './conversation.js';
import type { ConversationStore } from './conversation-store.js';
import { untilLoaded } from './health.js';

export class Answering {
  readonly #store: ConversationStore;
  readonly #running = new Map<string, AbortController>();

  constructor(store: ConversationStore) {
    this.#store = store;
  }

  isRunning(conversation: Conversation): boolean {
    return this.#running.has(conversation.id);
  }

  send(conversation: Conversation, text: string): Promise<void> {
    return this.#answer(conversation, () => {
      if (conversation.title === UNTITLED) conversation.title = titleOf(text);
      conversation.turns.push(newUserTurn(text));
    });
  }

  /** Asks again for the last answer, which is replaced. */
  retry(conversation: Conversation): Promise<void> {
    return this.#answer(conversation, () => {
      while (conversation.turns.at(-1)?.kind === 'answer') conversation.turns.pop();
    });
  }

  stop(conversation: Conversation): void {
    this.#running.get(conversation.id)?.abort();
  }

  async #answer(conversation: Conversation, prepare: () => void): Promise<void> {
    if (this.isRunning(conversation)) return;
    const controller = new AbortController();
    this.#running.set(conversation.id, controller);
    const turn = newAnswerTurn();
    this.#store.change(conversation, () => {
      prepare();
      conversation.turns.push(turn);
    });
    await this.#receive(conversation, turn, controller.signal);
    this.#running.delete(conversation.id);
    this.#store.endAnswer(conversation, turn);
  }

  async #receive(conversation: Conversation, turn: AnswerTurn, signal: AbortSignal) {
    try {
      await this.#receiveLoaded(conversation, turn, signal);
      if (turn.state.kind !== 'done') turn.state = { kind: 'done', finishReason: 'stop' };
    } catch (error) {
      turn.state = signal.aborted ? { kind: 'stopped' } : failedState(error);
    }
  }

  /** Waits for a model that is loading, then asks again. */
  async #receiveLoaded(conversation: Conversation, turn: AnswerTurn, signal: AbortSignal) {
    for (;;) {
      try {
        for await (const event of complete(conversation, signal)) {
          applyEvent(turn, event);
          this.#store.changeAnswer(conversation, turn);
        }
        return;
      } catch (error) {
        const isLoading = error instanceof ServerError && error.kind === 'loading';
        if (!isLoading || turn.text !== '' || signal.aborted) throw error;
      }
      await untilLoaded(signal, (progress) => {
        turn.state = { kind: 'loading', progress };
        this.#store.changeAnswer(conversation, turn);
      });
    }
  }
}

function applyEvent(turn: AnswerTurn, event: CompletionEvent): void {
  if (event.kind === 'figures') {
    turn.figures = event.figures;
  } else if (event.kind === 'finish') {
    turn.state = { kind: 'done', finishReason: event.finishReason };
  } else {
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
