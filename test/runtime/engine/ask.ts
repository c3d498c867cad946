// Asks an engine in one call what tests want to know of an answer.
// One thread an engine: on a busy machine two of ggml's spin on each other.
import type {
  ChatMessage,
  Engine,
  EngineOptions,
  GenerateEvent,
  GenerateRequest,
} from '../../../runtime/engine/engine.js';
import { startEngine } from '../../../runtime/engine/restarting-engine.js';
import { readReference } from '../../support/samples.js';

export type Told = {
  text: string;
  tokenIds: number[];
  start: Extract<GenerateEvent, { kind: 'start' }> | undefined;
  end: Extract<GenerateEvent, { kind: 'end' }>;
  events: GenerateEvent[];
};

export async function readyEngine(modelPath: string, options: Partial<EngineOptions> = {}) {
  const engine = startEngine({ modelPath, gpu: 'off', threads: 1, ...options });
  await engine.ready();
  return engine;
}

/** Greedy unless the request says otherwise. */
export async function ask(
  engine: Engine,
  request: GenerateRequest,
  options: { signal?: AbortSignal; onEvent?: (event: GenerateEvent) => void } = {},
): Promise<Told> {
  const events: GenerateEvent[] = [];
  const asked = { sampling: { temperature: 0 }, ...request };
  for await (const event of engine.generate(asked, options)) {
    events.push(event);
    options.onEvent?.(event);
  }
  const end = events.at(-1);
  if (end?.kind !== 'end') throw new Error('the answer has no end');
  const tokens = events.filter((event) => event.kind === 'token');
  return {
    text: tokens.map((event) => event.text).join(''),
    tokenIds: tokens.flatMap((event) => event.tokenIds),
    start: events.find((event) => event.kind === 'start'),
    end,
    events,
  };
}

export function chat(...contents: string[]): Extract<GenerateRequest['input'], { kind: 'chat' }> {
  const messages = contents.map(
    (content, index): ChatMessage => ({ role: index % 2 === 0 ? 'user' : 'assistant', content }),
  );
  return { kind: 'chat', messages };
}

/** Prompts with PyTorch's greedy answers. */
export const { prompts } = readReference('appliance/dense');
