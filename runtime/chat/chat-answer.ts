// One question put to the model: its text as it comes, and what it cost at the end.
// Goes through the recorder, so that every answer is in the log.
// Shows nothing; where the text goes is the caller's.
import type { Engine, GenerateEvent, GenerateRequest } from '../engine/engine.js';
import type { Recorder } from '../log/recorder.js';

export type Model = { engine: Engine; recorder: Recorder };
export type AnswerStart = Omit<Extract<GenerateEvent, { kind: 'start' }>, 'kind'>;
export type Answer = Omit<Extract<GenerateEvent, { kind: 'end' }>, 'kind'> &
  AnswerStart & { text: string };

const NOT_STARTED: AnswerStart = {
  promptTokens: 0,
  cachedTokens: 0,
  droppedTurns: 0,
  droppedTokens: 0,
};

export type AnswerListener = {
  onStart?: (start: AnswerStart) => void;
  onText: (text: string) => void;
};

/** Waits for an engine that starts again. Throws the engine's errors, and the signal's reason. */
export async function answerOf(
  { engine, recorder }: Model,
  request: GenerateRequest,
  { onStart, onText }: AnswerListener,
  signal: AbortSignal,
): Promise<Answer> {
  await engine.ready({ signal });
  let [text, start] = ['', NOT_STARTED];
  for await (const event of recorder.generate(request, { signal, endpoint: 'chat' })) {
    if (event.kind === 'start') {
      start = event;
      onStart?.(start);
    } else if (event.kind === 'token') {
      text += event.text;
      onText(event.text);
    } else return { ...start, ...event, text };
  }
  throw new Error('the answer has no end');
}
