// A conversation as the prompt that the model was trained on: its own Jinja template, rendered.
// Hugging Face's renderer for the same text as in training; contents are guarded before, so that
// control tokens written in a message stay text. Fits nothing into a context.
import { Template } from '@huggingface/jinja';
import type { ChatMessage } from '../engine.js';
import { EngineError } from '../engine-error.js';
import type { ControlTokens } from './control-tokens.js';

export type Conversation = { messages: ChatMessage[]; tools?: unknown[] | undefined };
export type SpecialTexts = { bosToken: string; eosToken: string };

export class ChatTemplate {
  readonly #source: string;
  readonly #template: Template;
  readonly #special: SpecialTexts;
  readonly #control: ControlTokens;

  constructor(source: string, special: SpecialTexts, control: ControlTokens) {
    this.#source = source;
    this.#template = parse(source);
    this.#special = special;
    this.#control = control;
  }

  /** The prompt's text. Throws `bad-request` with the template's own words where it refuses. */
  render(conversation: Conversation): string {
    return this.#render(conversation.messages.map(plainMessage), conversation.tools);
  }

  /** The prompt's tokens, without a bos beyond the template's own. */
  tokenize(conversation: Conversation): number[] {
    const guard = this.#control.chooseGuard(this.#texts(conversation));
    const guarded = <Value>(value: Value): Value =>
      mapTexts(value, (text) => this.#control.guardText(text, guard)) as Value;
    const messages = conversation.messages.map((message) => guarded(plainMessage(message)));
    return this.#control.tokenize(this.#render(messages, guarded(conversation.tools)), guard);
  }

  *#texts({ messages, tools }: Conversation): Iterable<string> {
    yield this.#source;
    yield JSON.stringify(tools ?? []);
    for (const message of messages) yield JSON.stringify(message);
  }

  #render(messages: Record<string, unknown>[], tools: unknown[] | undefined): string {
    try {
      return this.#template.render({
        messages,
        ...(tools && tools.length > 0 && { tools }),
        bos_token: this.#special.bosToken,
        eos_token: this.#special.eosToken,
        add_generation_prompt: true,
      });
    } catch (cause) {
      throw new EngineError(
        {
          code: 'bad-request',
          message: `the model's chat template refuses these messages: ${(cause as Error).message}`,
        },
        { cause },
      );
    }
  }
}

function parse(source: string): Template {
  try {
    return new Template(source);
  } catch (cause) {
    throw new EngineError(
      {
        code: 'bad-request',
        message: `the model's chat template cannot be read: ${(cause as Error).message}; send a plain text prompt, or convert the model with another --chat-template`,
      },
      { cause },
    );
  }
}

/** The names that templates know; arguments are a value, as Hugging Face hands them over. */
function plainMessage(message: ChatMessage): Record<string, unknown> {
  return {
    role: message.role,
    content: message.content,
    ...(message.toolCallId !== undefined && { tool_call_id: message.toolCallId }),
    ...(message.toolCalls && {
      tool_calls: message.toolCalls.map((call) => ({
        id: call.id,
        type: 'function',
        function: { name: call.name, arguments: parsedOr(call.arguments) },
      })),
    }),
  };
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The value with every text in it replaced, except roles, which templates compare. */
function mapTexts(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === 'string') return replace(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, replace));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key === 'role' ? key : replace(key),
      key === 'role' ? item : mapTexts(item, replace),
    ]),
  );
}
