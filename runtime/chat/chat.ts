// A chat's whole life in this process: question or terminal, log, engine, session, and the end.
// The session is saved before the engine ends and the log closes last, so that nothing is lost.

import { addAbortSignal, type Readable } from 'node:stream';
import { hearthVersion } from '../../terminal/version.js';
import type { Engine, EngineInfo, EngineOptions } from '../engine/engine.js';
import { gpuNotUsed } from '../engine/engine-flags.js';
import { startEngine } from '../engine/restarting-engine.js';
import { type LogOptions, openLog } from '../log/answer-log.js';
import { Recorder } from '../log/recorder.js';
import { type ChatModel, Dialogue, type RequestSettings } from './dialogue.js';
import { figuresLine } from './figures.js';
import { converse } from './interactive.js';
import { failureText, Screen } from './screen.js';
import { Session } from './session.js';
import { INTERRUPTED, Stop } from './stop.js';
import { Transcript } from './transcript.js';

/** Whoever writes to stdin may never stop. */
const MAX_QUESTION_BYTES = 16 * 1024 * 1024;

export type ChatSetup = {
  engine: EngineOptions;
  /** Null keeps no log. */
  log: LogOptions | null;
  settings: RequestSettings;
  system: string | null;
  /** Ask only this. Otherwise chat with the terminal, or answer what stdin holds if it is none. */
  once: string | null;
  sessionPath: string | null;
  /** Show the figures of a single answer too. */
  isVerbose: boolean;
};

/** Returns what to exit with. Throws what is wrong, in words that are safe to show. */
export async function chat(options: ChatSetup): Promise<number> {
  const stop = new Stop();
  const endListening = stop.listen();
  const isForPrograms = options.once !== null || process.stdin.isTTY !== true;
  const screen = new Screen({ isForPrograms });
  try {
    const question = isForPrograms
      ? (options.once ?? (await readQuestion(process.stdin, stop.leaving)))
      : null;
    await withModel(options, { screen, stop }, (dialogue) =>
      question === null ? converse(dialogue) : answerOnce(dialogue, question, options),
    );
  } catch (error) {
    if (!stop.leaving.aborted) throw new Error(failureText(error), { cause: error });
  } finally {
    endListening();
  }
  return stop.exitCode;
}

/** All of stdin. Throws where nothing comes, or more than any context takes. */
async function readQuestion(input: Readable, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of addAbortSignal(signal, input)) {
    chunks.push(chunk as Buffer);
    sizeBytes += (chunk as Buffer).length;
    if (sizeBytes > MAX_QUESTION_BYTES)
      throw new Error(`stdin holds more than the ${MAX_QUESTION_BYTES} bytes that are read`);
  }
  const question = Buffer.concat(chunks).toString('utf8').trimEnd();
  if (question !== '') return question;
  throw new Error('stdin is empty; pipe a question in, or ask with --once "question"');
}

async function answerOnce(
  dialogue: Dialogue,
  question: string,
  { isVerbose }: ChatSetup,
): Promise<void> {
  const answer = await dialogue.ask(question);
  if (answer && isVerbose) dialogue.screen.note(figuresLine(answer));
  if (answer === null || answer.stopReason === 'abort') dialogue.stop.leave(INTERRUPTED);
}

type Surroundings = { screen: Screen; stop: Stop };

async function withModel(
  options: ChatSetup,
  { screen, stop }: Surroundings,
  work: (dialogue: Dialogue) => Promise<void>,
): Promise<void> {
  const onWarning = (message: string) => screen.note(`warning: ${message}`);
  const log = options.log && openLog({ ...options.log, onWarning });
  const onNotice = (text: string) => screen.note(text);
  const engine = startEngine(options.engine, { onNotice });
  const keepText = options.log?.logText ?? false;
  const recorded = { engine, log, keepText, settings: options.engine, onWarning };
  const recorder = new Recorder({ ...recorded, hearthVersion: hearthVersion() });
  try {
    const info = await loaded(engine, { screen, stop });
    const warning = gpuNotUsed(options.engine, info);
    if (warning) onWarning(warning);
    const model = { engine, recorder };
    const dialogue = await beginDialogue(options, model, { screen, stop }, log?.path ?? null);
    try {
      await work(dialogue);
    } finally {
      await dialogue.save();
    }
  } finally {
    await recorder.close();
    await engine.close();
    await log?.close();
  }
}

async function loaded(engine: Engine, { screen, stop }: Surroundings): Promise<EngineInfo> {
  let shown = '';
  const endStates = engine.onState((state) => {
    if (state.kind !== 'loading') return;
    const status = `loading ${(state.progress * 100).toFixed(0)} %`;
    if (status !== shown) screen.status(status);
    shown = status;
  });
  try {
    return await engine.ready({ signal: stop.leaving });
  } finally {
    endStates();
    screen.clearStatus();
  }
}

async function beginDialogue(
  { sessionPath, system, settings }: ChatSetup,
  model: ChatModel,
  { screen, stop }: Surroundings,
  logPath: string | null,
): Promise<Dialogue> {
  const conversation = new Transcript();
  const { info } = model.engine;
  const session =
    sessionPath === null || info === null
      ? null
      : await Session.open(sessionPath, info, conversation);
  const problem = await session?.restore(model.engine);
  if (problem) screen.note(problem);
  if (system !== null) conversation.system = system;
  return new Dialogue({ model, conversation, settings, session, screen, stop, logPath });
}
