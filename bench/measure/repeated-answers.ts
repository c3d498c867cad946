// One question and an answer of 128 tokens by the engine that serves chats.
// A whole answer, sampling and queue included, and the memory of the run, by the backend's accounting.
// The prompt is evaluated anew each time: what another answer left in the cache is pushed out before.
import type {
  Engine,
  EngineInfo,
  GenerateEvent,
  GenerateRequest,
} from '../../runtime/engine/engine.js';

/** Sharp's engineers asked it of their pruned models, and timed so many tokens of the answer. */
export const DEFAULT_QUESTION =
  'Please tell me the three important points to consider when creating an Android application';
export const ANSWER_TOKENS = 128;

/** In logits; an answer that may not end has the tokens that were asked for. */
const FORBIDDEN = -100;

export type TimedAnswer = Extract<GenerateEvent, { kind: 'end' }> & { text: string };

/** Answers the question `repeats` times after a warm-up, telling each as it is done. */
export async function* answerRepeatedly(
  engine: Engine,
  info: EngineInfo,
  { repeats, maxTokens, signal }: { repeats: number; maxTokens: number; signal: AbortSignal },
): AsyncGenerator<{ repeat: number; answer: TimedAnswer | null }, void, undefined> {
  for (let repeat = 0; repeat <= repeats; repeat++) {
    yield { repeat, answer: null };
    await ask(engine, EVICTING, signal);
    const answer = await ask(engine, request(info, maxTokens), signal);
    if (repeat > 0) yield { repeat, answer };
  }
}

/** As a chat where the model has a template for one, else as plain text. */
export function inputOf(question: string, { chatTemplate }: EngineInfo): GenerateRequest['input'] {
  return chatTemplate
    ? { kind: 'chat', messages: [{ role: 'user', content: question }] }
    : { kind: 'text', text: question };
}

function request(info: EngineInfo, maxTokens: number): GenerateRequest {
  const { eosTokenId } = info;
  return {
    input: inputOf(DEFAULT_QUESTION, info),
    sampling: {
      temperature: 0,
      ...(eosTokenId === null ? {} : { logitBias: { [eosTokenId]: FORBIDDEN } }),
    },
    maxTokens,
  };
}

const EVICTING: GenerateRequest = { input: { kind: 'text', text: '.' }, maxTokens: 1 };

/** Throws EngineError, and the signal's reason when that aborts. */
export async function ask(
  engine: Engine,
  request: GenerateRequest,
  signal: AbortSignal,
): Promise<TimedAnswer> {
  let text = '';
  for await (const event of engine.generate(request, { signal })) {
    if (event.kind === 'token') text += event.text;
    if (event.kind !== 'end') continue;
    signal.throwIfAborted();
    return { ...event, text };
  }
  throw new Error('the engine ended an answer without saying so');
}
