// What was said so far, and the messages that the next question goes out with.
// A question becomes part of it with its answer, so that one that failed leaves no trace.
// Drops nothing: what does not fit is left out of a request by the engine, which says so.
import type { ChatMessage } from '../engine/engine.js';

export class Transcript {
  system: string | null;
  #turns: { question: string; answer: string }[] = [];
  /** Asked last and not answered. */
  #failedQuestion: string | undefined;

  constructor(system: string | null = null) {
    this.system = system;
  }

  get turnCount(): number {
    return this.#turns.length;
  }

  /** OpenAI's order: the system prompt, then questions and answers in turn. */
  get messages(): ChatMessage[] {
    const system = this.system === null ? [] : [message('system', this.system)];
    const turns = this.#turns.flatMap(({ question, answer }) => [
      message('user', question),
      message('assistant', answer),
    ]);
    return [...system, ...turns];
  }

  ask(question: string): ChatMessage[] {
    this.#failedQuestion = question;
    return [...this.messages, message('user', question)];
  }

  answered(question: string, answer: string): void {
    this.#turns.push({ question, answer });
    this.#failedQuestion = undefined;
  }

  reset(): void {
    this.#turns = [];
    this.#failedQuestion = undefined;
  }

  takeBack(): string | undefined {
    return this.#failedQuestion ?? this.#turns.pop()?.question;
  }

  /** Replaces everything by messages as {@link messages} gives them. Throws where they are not. */
  load(messages: readonly unknown[]): void {
    const [first, ...rest] = messages.map(readMessage);
    const hasSystem = first?.role === 'system';
    const turns = hasSystem || !first ? rest : [first, ...rest];
    const pairs = [];
    for (let i = 0; i < turns.length; i += 2) pairs.push(turnOf(turns[i], turns[i + 1]));
    this.reset();
    this.#turns = pairs;
    this.system = hasSystem ? first.content : null;
  }
}

function message(role: ChatMessage['role'], content: string): ChatMessage {
  return { role, content };
}

function turnOf(question: ChatMessage | undefined, answer: ChatMessage | undefined) {
  if (question?.role === 'user' && answer?.role === 'assistant')
    return { question: question.content, answer: answer.content };
  throw new Error('user and assistant messages must take turns, with at most one system first');
}

function readMessage(value: unknown): ChatMessage {
  const { role, content } = Object(value) as Record<string, unknown>;
  const isKnown = role === 'system' || role === 'user' || role === 'assistant';
  if (isKnown && typeof content === 'string') return { role, content };
  throw new Error('a message must have a role (system, user or assistant) and a text as content');
}
