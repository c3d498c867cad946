// The tokens of a request, checked against the context before they are evaluated.
// Input that cannot fit is refused before it is tokenised, as that would hold up other answers.
import type { NativeModel } from '../../../llama/node-llama-internals.js';
import { TemplateBudget } from '../../../model/template/template-budget.js';
import type { TemplateLimits } from '../../../model/template/template-process.js';
import type { ChatInput, ChatMessage, GenerateInput, GenerateRequest } from '../engine.js';
import { EngineError } from '../engine-error.js';
import { dropOldest, MAX_TOKEN_CHARS } from './drop-oldest.js';
import { checkTokens } from './number-checks.js';
import type { PromptTemplate } from './prompt-template.js';
import { countTokens, type Tokenize, type Tokens, tokensWithin } from './token-count.js';

export type PromptModel = {
  native: NativeModel;
  nCtx: number;
  nVocab: number;
  bosTokenId: number | null;
  template: () => PromptTemplate;
};

/** One place is left for the first generated token. */
const GENERATED = 1;

/**
 * Where old turns may go, an answer finds this part of the context free, or `maxTokens` if that is
 * less: a prompt that just fits would leave it a token or two. Turns go in steps as large.
 */
const ANSWER_PART = 1 / 4;

/** More text than this is not even counted when old turns are dropped. */
const MAX_CHAT_CHARS = 8 * 1024 * 1024;

export type Prompt = {
  tokens: number[];
  droppedTurns: number;
  droppedTokens: number;
  opensThinking: boolean;
};

/**
 * Throws `context-overflow` or `bad-request` where the request has no usable prompt, or the signal's
 * reason. However often a chat template is rendered for it, it has one budget.
 */
export async function buildPrompt(
  model: PromptModel,
  request: GenerateRequest,
  signal?: AbortSignal,
): Promise<Prompt> {
  const { input, overflow = 'error' } = request;
  const room = model.nCtx - GENERATED;
  const limits = { budget: new TemplateBudget(), signal };
  const drops = input.kind === 'chat' && overflow === 'drop-oldest';
  const isHuge = !drops || charsOf(input.messages) > MAX_CHAT_CHARS;
  if (isHuge) refuseMoreThan(room, leastTokens(input), 'at least ');
  const {
    length,
    tokens,
    opensThinking = false,
    ...dropped
  } = drops
    ? await dropOldest({
        conversation: input,
        ...dropSizes(model, request),
        tokenize: chatTokens(model, limits),
        count: (text) => countTokens(text, plainTokens(model), signal),
      })
    : { ...(await tokensOf(model, input, limits)), droppedTurns: 0, droppedTokens: 0 };
  refuseMoreThan(room, length, tokens === null ? 'about ' : '');
  if (tokens && length > 0) return { tokens, opensThinking, ...dropped };
  throw new EngineError({ code: 'bad-request', message: 'the prompt has no tokens' });
}

/** Of a prompt as it would be evaluated, however long. */
export async function promptLength(model: PromptModel, input: GenerateInput): Promise<number> {
  return (await tokensOf(model, input, { budget: new TemplateBudget(), signal: undefined })).length;
}

function dropSizes({ nCtx }: PromptModel, { maxTokens = nCtx }: GenerateRequest) {
  const step = Math.max(1, Math.floor(nCtx * ANSWER_PART));
  return { room: nCtx - Math.max(GENERATED, Math.min(maxTokens, step)), step };
}

async function tokensOf(
  model: PromptModel,
  input: GenerateInput,
  limits: TemplateLimits,
): Promise<Tokens> {
  switch (input.kind) {
    case 'tokens': {
      const tokens = checkTokens(input.tokens, model.nVocab);
      return { length: tokens.length, tokens };
    }
    case 'text': {
      const tokenize = plainTokens(model);
      return started(model, await tokensWithin(model.nCtx, input.text, tokenize, limits.signal));
    }
    case 'chat':
      return await chatTokens(model, limits)(input);
    default:
      throw new Error(`unknown input ${JSON.stringify(input satisfies never)}`);
  }
}

function plainTokens({ native }: PromptModel): Tokenize {
  return (text) => Array.from(native.tokenize(text, false));
}

function chatTokens(
  model: PromptModel,
  limits: TemplateLimits,
): (conversation: ChatInput) => Promise<Tokens> {
  const room = model.nCtx;
  return async (conversation) =>
    started(model, await model.template().tokenize(conversation, { room, ...limits }));
}

/** The tokens with the bos that the model wants in front, once. */
export function withBos(model: PromptModel, tokens: number[]): number[] {
  const { bosTokenId } = model;
  if (bosTokenId === null || tokens[0] === bosTokenId || !model.native.shouldPrependBosToken())
    return tokens;
  return [bosTokenId, ...tokens];
}

function started(model: PromptModel, { tokens, ...others }: Tokens): Tokens {
  if (tokens === null) return { tokens, ...others };
  const withStart = withBos(model, tokens);
  return { ...others, length: withStart.length, tokens: withStart };
}

/** What the input takes at the very least; every message takes a token. */
function leastTokens(input: GenerateInput): number {
  if (input.kind === 'tokens') return input.tokens.length;
  const texts = input.kind === 'text' ? [input.text] : input.messages.map(({ content }) => content);
  return texts.reduce((sum, text) => sum + Math.ceil(text.length / MAX_TOKEN_CHARS), 0);
}

function charsOf(messages: ChatMessage[]): number {
  return messages.reduce((sum, { content }) => sum + content.length, 0);
}

function refuseMoreThan(availableTokens: number, neededTokens: number, about = ''): void {
  if (neededTokens <= availableTokens) return;
  throw new EngineError({
    code: 'context-overflow',
    message: `the prompt needs ${about}${neededTokens} tokens, but the context has ${availableTokens} for it; shorten it, or start with a larger context`,
    neededTokens,
    availableTokens,
    nCtx: availableTokens + GENERATED,
  });
}
