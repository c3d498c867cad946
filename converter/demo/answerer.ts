// Answers questions from a GGUF with stock llama.cpp, as node-llama-cpp ships it, and times them.
// The prompt is the model's own chat template; the likeliest token is taken, so answers repeat.
// Loads in this process, as the file was written a second ago; the runtime uses a process of its own.
import type { LlamaModel, Token } from 'node-llama-cpp';
import { NoBinaryFoundError, openNodeLlama } from '../../llama/node-llama.js';
import { openTemplate } from '../../model/template/open-template.js';
import { TemplateBudget } from '../../model/template/template-budget.js';

const N_CTX = 512;

/** The questions are short; many more would not fit the context. */
const MAX_PROMPT_CHARS = 16 << 10;

export type Answer = {
  text: string;
  nTokens: number;
  /** From the question to the first token. */
  ttftMs: number;
  /** Of the tokens after the first. */
  tokensPerSecond: number;
};

export type Answerer = AsyncDisposable & {
  /** Calls `onText` with every part of the answer as it is made. */
  ask(question: string, onText: (part: string) => void, signal: AbortSignal): Promise<Answer>;
};

/** Thrown where node-llama-cpp's prebuilt llama.cpp is not installed. */
export class NoLlamaError extends Error {
  readonly code = 'HEARTH_NO_LLAMA';
}

/** Loads a GGUF on the CPU. Throws {@link NoLlamaError}. */
export async function loadAnswerer(modelPath: string): Promise<Answerer> {
  const llama = await findLlama();
  const model = await llama.loadModel({ modelPath, useMmap: false });
  // One thread: on a model this small, two wait for each other longer than they compute.
  const context = await model.createContext({ contextSize: N_CTX, threads: 1 });
  const sequence = context.getSequence();
  return {
    async ask(question, onText, signal) {
      await sequence.clearHistory();
      const prompt = await promptTokens(model, question, signal);
      const tokens = sequence.evaluate(prompt, { temperature: 0 });
      return await streamAnswer(model, tokens, {
        onText,
        signal,
        maxTokens: N_CTX - prompt.length,
      });
    },
    async [Symbol.asyncDispose]() {
      await llama.dispose();
    },
  };
}

async function findLlama() {
  try {
    return await openNodeLlama({ gpu: false });
  } catch (cause) {
    if (!(cause instanceof NoBinaryFoundError)) throw cause;
    throw new NoLlamaError(
      `node-llama-cpp has no prebuilt llama.cpp for ${process.platform}-${process.arch} here; run npm ci with its optional packages (without --omit=optional)`,
      { cause },
    );
  }
}

async function promptTokens(
  model: LlamaModel,
  question: string,
  signal: AbortSignal,
): Promise<Token[]> {
  const source = model.fileInfo.metadata.tokenizer.chat_template;
  if (source === undefined) throw new Error('the GGUF has no chat template; convert it with one');
  const template = openTemplate(source);
  const variables = {
    messages: [{ role: 'user', content: question }],
    bos_token: model.tokens.bosString,
    eos_token: model.tokens.eosString,
    add_generation_prompt: true,
  };
  try {
    const limits = { budget: new TemplateBudget(), signal, maxChars: MAX_PROMPT_CHARS };
    return model.tokenize(await template.render(variables, limits), true);
  } finally {
    template.close();
  }
}

async function streamAnswer(
  model: LlamaModel,
  tokens: AsyncIterable<Token>,
  options: { onText: (part: string) => void; signal: AbortSignal; maxTokens: number },
): Promise<Answer> {
  const { onText, signal, maxTokens } = options;
  const start = performance.now();
  const answer: Token[] = [];
  let text = '';
  let firstMs = 0;
  for await (const token of tokens) {
    signal.throwIfAborted();
    firstMs ||= performance.now() - start;
    answer.push(token);
    const longer = model.detokenize(answer).trimStart();
    // A character may take several tokens; what is not yet whole waits.
    if (!longer.endsWith('\ufffd')) {
      onText(longer.slice(text.length));
      text = longer;
    }
    if (answer.length === maxTokens) break;
  }
  const restMs = performance.now() - start - firstMs;
  const tokensPerSecond = (1000 * (answer.length - 1)) / restMs;
  return { text, nTokens: answer.length, ttftMs: firstMs, tokensPerSecond };
}
