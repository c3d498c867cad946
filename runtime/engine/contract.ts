// What callers and the engine's child process say to each other, as types alone.
// Chat, the HTTP server and bench program against this; the child implements it with node-llama-cpp.
// Everything here survives structured cloning: plain data, no functions.

/** How an engine is started. Sizes are tokens unless named otherwise. */
export type EngineOptions = {
  modelPath: string;
  /** `auto` takes the best GPU on which the model fits; a name forces that backend. */
  gpu?: 'auto' | 'off' | 'cuda' | 'vulkan' | 'metal';
  /** Layers on the GPU; `auto` fits as many as memory allows. */
  gpuLayers?: number | 'auto';
  /** Context of each sequence; default the model's own, limited to what memory allows. */
  nCtx?: number;
  kvType?: 'F32' | 'F16' | 'Q8_0' | 'Q4_0';
  /** Sequences decoded together. */
  parallel?: number;
  threads?: number;
  flashAttention?: boolean | 'auto';
  mmap?: boolean;
};

export type ChatRole = 'system' | 'user' | 'assistant' | 'tool';
export type ToolCall = { id: string; name: string; arguments: string };
export type ChatMessage = {
  role: ChatRole;
  content: string;
  toolCalls?: ToolCall[];
  toolCallId?: string;
};

export type Sampling = {
  temperature?: number;
  topP?: number;
  topK?: number;
  minP?: number;
  repeatPenalty?: number;
  seed?: number;
  /** Token id to additive bias in logits; -100 or less forbids the token. */
  logitBias?: Record<number, number>;
};

export type GenerateInput =
  | { kind: 'chat'; messages: ChatMessage[] }
  | { kind: 'text'; text: string }
  | { kind: 'tokens'; tokens: number[] };

export type GenerateRequest = {
  input: GenerateInput;
  sampling?: Sampling;
  maxTokens?: number;
  stop?: string[];
  grammar?: { kind: 'gbnf'; text: string } | { kind: 'json-schema'; schema: unknown };
  /** Report the log-probabilities of this many alternatives for each token; 0 reports the chosen token alone. */
  topLogprobs?: number;
  overflow?: 'error' | 'drop-oldest';
  /** Give up after this long, queue time included. */
  deadlineMs?: number;
};

export type TokenLogprob = { tokenId: number; token: string; logprob: number };
export type StopReason = 'eos' | 'stop' | 'length' | 'abort' | 'deadline' | 'context';

export type GenerateEvent =
  | {
      kind: 'start';
      promptTokens: number;
      cachedTokens: number;
      droppedTurns: number;
      droppedTokens: number;
    }
  | {
      kind: 'token';
      /** Text that is safe to show: never half a character, never the start of a stop string. */
      text: string;
      tokenIds: number[];
      logprobs?: (TokenLogprob & { top: TokenLogprob[] })[];
    }
  | { kind: 'end'; stopReason: StopReason; stopString?: string; timings: Timings; memory: Memory };

export type Timings = {
  queueMs: number;
  /** From the request's arrival to its first token. */
  ttftMs: number;
  promptTokens: number;
  cachedTokens: number;
  /** Evaluating the part of the prompt that was not cached. */
  promptMs: number;
  generatedTokens: number;
  generationMs: number;
  totalMs: number;
  interTokenP50Ms: number;
  interTokenP95Ms: number;
  interTokenMaxMs: number;
};

/** Bytes. Device memory is null where the backend cannot tell. */
export type Memory = {
  rssBytes: number;
  peakRssBytes: number;
  deviceBeforeBytes: number | null;
  devicePeakBytes: number | null;
  deviceAfterBytes: number | null;
  /** Tokens in the KV cache of this sequence after the answer, of its context. */
  contextUsed: number;
  nCtx: number;
};

/** What the engine found when it loaded the model. */
export type EngineInfo = {
  modelPath: string;
  modelName: string;
  nCtx: number;
  nCtxTrain: number;
  nVocab: number;
  nEmbd: number;
  parallel: number;
  backend: 'cpu' | 'cuda' | 'vulkan' | 'metal';
  deviceNames: string[];
  gpuLayers: number;
  kvType: string;
  threads: number;
  flashAttention: boolean;
  mmap: boolean;
  llamaCppRelease: string;
  loadMs: number;
  /** Bytes by the backend's own accounting. */
  weightsBytes: number;
  kvBytes: number;
  computeBytes: number;
  chatTemplate: string | null;
  bosTokenId: number | null;
  eosTokenId: number | null;
  canEmbed: boolean;
};

export type SlotState = {
  id: number;
  busy: boolean;
  contextUsed: number;
  requestId: number | null;
};
