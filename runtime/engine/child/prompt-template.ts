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
import { toolsInWords } from './tools-in-words.js';

export type SpecialTexts = { bosToken: string; eosToken: string };

/** What a prompt may hold beside its messages: built-in instructions, and those of tools. */
const SPARE_CHARS = 256 << 10;

/** `<think>` and what white space may follow it. */
const THINK_END_CHARS = 16;

/** A message that is repeated, or written as JSON in JSON, is a few times as long. */
const MAX_GROWTH = 4;

const WHAT_TO_DO = 'send a plain text prompt, or convert the model with another --chat-template';

export type PromptTemplateParts = {
  source: string;
  special: SpecialTexts;
  control: ControlTokens;
  /** Started ahead; the template ends it. */
  process: TemplateProcess | undefined;
  /** Variables that a conversation may set otherwise. */
  variables?: Record<string, unknown>;
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
    return await this.#render(this.#inWords(conversation), (text) => text, limits);
  }

  /** The prompt's tokens, without a bos beyond the template's own; or their number beyond `room`. */
  async tokenize(
    conversation: ChatInput,
    { room, ...limits }: TemplateLimits & { room: number },
  ): Promise<Tokens> {
    const { control } = this.#parts;
    const spoken = this.#inWords(conversation);
    const guard = control.chooseGuard(this.#texts(spoken));
    const guardText = (text: string) => control.guardText(text, guard);
    const text = await this.#render(spoken, guardText, limits);
    const tokenize = (part: string) => control.tokenize(part, guard);
    const tokens = await tokensWithin(room, text, tokenize, limits.signal);
    return { ...tokens, opensThinking: opensThinking(text) };
  }

  /** With its tools and calls in words, where the template has no place for them. */
  #inWords(conversation: ChatInput): ChatInput {
    return toolsInWords(conversation, this.#parts.source);
  }

  *#texts({ messages, tools, variables }: ChatInput): Iterable<string> {
    yield this.#parts.source;
    yield JSON.stringify(tools ?? []);
    yield JSON.stringify(variables ?? {});
    for (const message of messages) yield JSON.stringify(message);
  }

  async #render(
    conversation: ChatInput,
    guardText: (text: string) => string,
    limits: TemplateLimits,
  ): Promise<string> {
    const guarded = <Value>(value: Value): Value => mapTexts(value, guardText) as Value;
    const { tools, continuesLast, addGenerationPrompt = true } = conversation;
    const more = { ...this.#parts.variables, ...conversation.variables };
    const begun = continuesLast ? conversation.messages.at(-1) : undefined;
    const said = begun ? conversation.messages.slice(0, -1) : conversation.messages;
    const messages = said.map((message) => guarded(plainMessage(message)));
    const given = { ...guarded(more), messages, ...(tools?.length && { tools: guarded(tools) }) };
    const { special } = this.#parts;
    const variables = {
      ...today(),
      ...given,
      bos_token: special.bosToken,
      eos_token: special.eosToken,
      add_generation_prompt: begun !== undefined || addGenerationPrompt,
    };
    const givenChars = JSON.stringify(given).length;
    const maxChars = SPARE_CHARS + MAX_GROWTH * givenChars;
    limits.budget.grantFor(givenChars);
    try {
      const text = await this.#template.render(variables, { ...limits, maxChars });
      return goesOn(text, guarded(begun), more.enable_thinking === false);
    } catch (cause) {
      throw cause instanceof TemplateError ? badRequest(cause) : cause;
    }
  }
}

/** As llama.cpp has them: templates of Llama 3 and of its kin take the date of their making instead. */
function today(): Record<string, string> {
  const now = new Date();
  const [, month, day, year] = now.toDateString().split(' ');
  const time = now.toUTCString().slice(-12);
  return { date_string: `${day} ${month} ${year}`, datetime: `${month} ${day} ${year} ${time}` };
}

/** A template that always opens a thought, and a caller who wants none: the thought is closed. */
function goesOn(text: string, begun: ChatMessage | undefined, isThoughtless: boolean): string {
  const closed = isThoughtless && opensThinking(text) ? `${text}</think>` : text;
  return closed + (begun?.content ?? '');
}

function opensThinking(text: string): boolean {
  return text.slice(-THINK_END_CHARS).trimEnd().endsWith('<think>');
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
    ...(message.reasoningContent !== undefined && { reasoning_content: message.reasoningContent }),
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
