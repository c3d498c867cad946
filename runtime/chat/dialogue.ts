// One conversation with one model: asks, shows the answer as it comes, remembers both.
// Chat at a terminal and a single question go through this alike, so that neither can forget to
// say what was dropped or cut.
import type { EndEvent, Engine, GenerateRequest, StartEvent } from '../engine/engine.js';
import type { Recorder } from '../log/recorder.js';
import { droppedNotice, endNotice } from './figures.js';
import type { Screen } from './screen.js';
import type { Session } from './session.js';
import type { Stop } from './stop.js';
import type { Transcript } from './transcript.js';

export type ChatModel = { engine: Engine; recorder: Recorder };
export type StartedAnswer = Omit<StartEvent, 'kind'>;
export type FinishedAnswer = Omit<EndEvent, 'kind'> & StartedAnswer & { text: string };

const NOT_STARTED: StartedAnswer = {
  promptTokens: 0,
  cachedTokens: 0,
  droppedTurns: 0,
  droppedTokens: 0,
};

export type RequestSettings = Omit<GenerateRequest, 'input'>;

export type DialogueOptions = {
  model: ChatModel;
  conversation: Transcript;
  settings: RequestSettings;
  session: Session | null;
  screen: Screen;
  stop: Stop;
  logPath: string | null;
};

export class Dialogue {
  readonly model: ChatModel;
  readonly conversation: Transcript;
  readonly screen: Screen;
  readonly stop: Stop;
  readonly logPath: string | null;
  readonly answers: FinishedAnswer[] = [];
  readonly #settings: RequestSettings;
  readonly #session: Session | null;
  #isSaved = true;

  constructor(options: DialogueOptions) {
    this.model = options.model;
    this.conversation = options.conversation;
    this.screen = options.screen;
    this.stop = options.stop;
    this.logPath = options.logPath;
    this.#settings = options.settings;
    this.#session = options.session;
  }

  /** Null where it was stopped before the model saw it. Throws the engine's errors. */
  async ask(question: string): Promise<FinishedAnswer | null> {
    const messages = this.conversation.ask(question);
    const answer = await this.stop.during((signal) =>
      this.#answer({ ...this.#settings, input: { kind: 'chat', messages } }, signal),
    );
    if (answer === null) return null;
    this.answers.push(answer);
    if (answer.text !== '' || answer.stopReason !== 'abort')
      this.conversation.answered(question, answer.text);
    await this.changed();
    return answer;
  }

  /** Waits for an engine that starts again. Goes through the recorder, so that every answer is in the log. */
  async #answer(request: GenerateRequest, signal: AbortSignal): Promise<FinishedAnswer | null> {
    const { engine, recorder } = this.model;
    let [text, start] = ['', NOT_STARTED];
    try {
      await engine.ready({ signal });
      for await (const event of recorder.generate(request, { signal, endpoint: 'chat' })) {
        if (event.kind === 'start') {
          start = event;
          this.#notice(droppedNotice(start));
        } else if (event.kind === 'token') {
          text += event.text;
          this.screen.answer(event.text);
        } else if (event.kind === 'end') {
          const answer = { ...start, ...event, text };
          this.screen.endAnswer();
          this.#notice(endNotice(answer));
          return answer;
        }
      }
      throw new Error('the answer has no end');
    } catch (error) {
      this.screen.endAnswer();
      if (!signal.aborted) throw error;
      this.#notice('stopped');
      return null;
    }
  }

  #notice(text: string | null): void {
    if (text !== null) this.screen.note(text);
  }

  /** The conversation is not what it was: the session is to follow. */
  async changed(): Promise<void> {
    this.#isSaved = false;
    try {
      await this.#session?.saveMessages(this.conversation);
    } catch (error) {
      this.screen.note(`the session is not saved: ${(error as Error).message}`);
    }
  }

  /** Keeps the session for the next time, with its cache. Throws where it cannot be written. */
  async save(): Promise<void> {
    if (this.#isSaved || !this.#session) return;
    this.#notice(await this.#session.saveAll(this.conversation, this.model.engine));
    this.#isSaved = true;
  }
}
