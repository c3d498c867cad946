// A conversation as the prompt that the model was trained on: its own Jinja template, rendered.
// Hugging Face's renderer for the same text as in training, in a process of its own where the template
// is a stranger's; contents are guarded before, so that control tokens written in a message stay text.
import { type ChatTemplateRenderer, openTemplate } from '../../../model/template/open-template.js';
import { TemplateError } from '../../../model/template/template-error.js';
import type { TemplateLimits, TemplateProcess } from '../../../model/template/template-process.js';
import type { ChatInput, ChatMessage } from '../engine.js';
import { EngineError } from '../engine-error.js';
import type { ControlTokens } from './control-tokens.js';
import { type Tokens, tokensWithin } from './token-count.js';

export type SpecialTexts = { bosToken: string; eosToken: string };

/** What a prompt may hold beside its messages: built-in instructions, and those of tools. */
const SPARE_CHARS = 256 << 10;

/** A message that is repeated, or written as JSON in JSON, is a few times as long. */
const MAX_GROWTH = 4;

const WHAT_TO_DO = 'send a plain text prompt, or convert the model with another --chat-template';

export type PromptTemplateParts = {
  source: string;
  special: SpecialTexts;
  control: ControlTokens;
  /** Started ahead; the template ends it. */
  process: TemplateProcess | undefined;
};

export class PromptTemplate {
  readonly #parts: PromptTemplateParts;
  readonly #template: ChatTemplateRenderer;

  constructor(parts: PromptTemplateParts) {
    this.#parts = parts;
    this.#template = openTemplate(parts.source, parts.process);
  }

  close(): void {
    this.#template.close();
  }

  /**
   * The prompt's text. Throws `bad-request` with the template's own words where it refuses, or with
   * what it took too much of; or the signal's reason.
   */
  async render(conversation: ChatInput, limits: TemplateLimits): Promise<string> {
    const { messages, tools } = conversation;
    return await this.#render(messages.map(plainMessage), tools, limits);
  }

  /** The prompt's tokens, without a bos beyond the template's own; or their number beyond `room`. */
  async tokenize(
    conversation: ChatInput,
    { room, ...limits }: TemplateLimits & { room: number },
  ): Promise<Tokens> {
    const { control } = this.#parts;
    const guard = control.chooseGuard(this.#texts(conversation));
    const guarded = <Value>(value: Value): Value =>
      mapTexts(value, (text) => control.guardText(text, guard)) as Value;
    const messages = conversation.messages.map((message) => guarded(plainMessage(message)));
    const text = await this.#render(messages, guarded(conversation.tools), limits);
    const tokenize = (part: string) => control.tokenize(part, guard);
    return await tokensWithin(room, text, tokenize, limits.signal);
  }

  *#texts({ messages, tools }: ChatInput): Iterable<string> {
    yield this.#parts.source;
    yield JSON.stringify(tools ?? []);
    for (const message of messages) yield JSON.stringify(message);
  }

  async #render(
    messages: Record<string, unknown>[],
    tools: unknown[] | undefined,
    limits: TemplateLimits,
  ): Promise<string> {
    const given = { messages, ...(tools && tools.length > 0 && { tools }) };
    const { special } = this.#parts;
    const variables = {
      ...given,
      bos_token: special.bosToken,
      eos_token: special.eosToken,
      add_generation_prompt: true,
    };
    const givenChars = JSON.stringify(given).length;
    const maxChars = SPARE_CHARS + MAX_GROWTH * givenChars;
    limits.budget.grantFor(givenChars);
    try {
      return await this.#template.render(variables, { ...limits, maxChars });
    } catch (cause) {
      throw cause instanceof TemplateError ? badRequest(cause) : cause;
    }
  }
}

function badRequest(cause: TemplateError): EngineError {
  return new EngineError({ code: 'bad-request', message: wording(cause) }, { cause });
}

function wording({ code, message }: TemplateError): string {
  switch (code) {
    case 'unreadable':
      return `the model's chat template cannot be read: ${message}; ${WHAT_TO_DO}`;
    case 'refused':
      return `the model's chat template refuses these messages: ${message}`;
    case 'over-budget':
      return `the model's chat template ${message}; ${WHAT_TO_DO}`;
    default:
      throw new Error(`unknown code ${JSON.stringify(code satisfies never)}`);
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
