// Bare node-llama-cpp, to compare with: its public API alone, in a process of its own.
// Answers to bare-process.ts over IPC; times are taken here, so that no message costs it any.
// Serves nothing.
import {
  getLlama,
  type LlamaContextSequence,
  LlamaLogLevel,
  type LlamaModel,
  type Token,
  TokenBias,
} from 'node-llama-cpp';
import { type BareSetting, REPEATED_BIAS, REPEATED_TOKEN } from './setting.js';

export type BareRequest =
  | { kind: 'load'; setting: BareSetting }
  /** Answers each in a sequence of its own, all at once. */
  | { kind: 'answer'; prompts: string[]; maxTokens: number };

export type BareAnswer = {
  tokens: number;
  /** From the start of all to this one's first and last token. */
  firstTokenMs: number;
  lastTokenMs: number;
};
export type BareReply = { answers: BareAnswer[]; durationMs: number };

let model: LlamaModel | undefined;
let sequences: LlamaContextSequence[] = [];

process.on('message', async (request: BareRequest) => {
  const reply: BareReply =
    request.kind === 'load' ? await load(request.setting) : await answerAll(request);
  process.send?.(reply);
});
process.once('disconnect', () => process.exit());

async function load({ modelPath, threads, nCtx, parallel }: BareSetting): Promise<BareReply> {
  const start = performance.now();
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: threads,
    logLevel: LlamaLogLevel.disabled,
  });
  model = await llama.loadModel({ modelPath, useMmap: false });
  const context = await model.createContext({
    sequences: parallel,
    contextSize: nCtx,
    flashAttention: 'auto',
    threads,
  });
  sequences = Array.from({ length: parallel }, () => context.getSequence());
  return { answers: [], durationMs: performance.now() - start };
}

async function answerAll({
  prompts,
  maxTokens,
}: Extract<BareRequest, { kind: 'answer' }>): Promise<BareReply> {
  await Promise.all(sequences.map((sequence) => sequence.clearHistory()));
  const start = performance.now();
  const answers = await Promise.all(
    prompts.map((prompt, i) => answer(sequences[i], prompt, maxTokens, start)),
  );
  return { answers, durationMs: performance.now() - start };
}

async function answer(
  sequence: LlamaContextSequence | undefined,
  prompt: string,
  maxTokens: number,
  start: number,
): Promise<BareAnswer> {
  if (!model || !sequence) throw new Error('no model is loaded, or too few sequences');
  const told = { tokens: 0, firstTokenMs: 0, lastTokenMs: 0 };
  const { bos } = model.tokens;
  const plain = model.tokenize(`[INST] ${prompt} [/INST]`);
  const tokens = bos === null ? plain : [bos, ...plain];
  const tokenBias = TokenBias.for(model).set(REPEATED_TOKEN as Token, { logit: REPEATED_BIAS });
  const events = sequence.evaluate(tokens, { temperature: 0, tokenBias });
  for await (const token of events) {
    model.detokenize([token]);
    told.lastTokenMs = performance.now() - start;
    if (told.tokens++ === 0) told.firstTokenMs = told.lastTokenMs;
    if (told.tokens >= maxTokens) break;
  }
  return told;
}
