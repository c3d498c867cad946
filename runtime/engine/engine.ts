// What an engine is asked and what it answers, as types. restarting-engine.ts is one, and its child process
// implements it with node-llama-cpp.
// Everything here survives structured cloning: plain data, no functions.

import type { Backend, GpuBackend, KvType } from '../../llama/settings.js';
import type { ModelWidths } from '../../model/shape/model-shape.js';

/**
 * A model that answers. It runs in a process of its own and is started again when that dies, so an
 * engine outlives its process; what was under way then fails with {@link EngineFailure}.
 */
export interface Engine {
  readonly state: EngineState;
  /** What the model's file says of itself; null until its header is read. */
  readonly file: ModelFile | null;
  /** What is loaded; null until the first load is done. */
  readonly info: EngineInfo | null;
  /** Of the process that holds the model now; undefined where there is none. */
  readonly pid: number | undefined;
  /** Processes started after the first. */
  readonly restarts: number;
  /** Resolves when the engine can answer, rejects with {@link EngineFailure} when it gave up. */
  ready(options?: { signal?: AbortSignal }): Promise<EngineInfo>;
  /**
   * Events in the order start, progress..., token..., end. Aborting (or leaving the loop) stops the decoding
   * within one token; an abort ends with stop reason `abort`, it does not throw. A request that
   * is aborted, or whose deadline passes, while it waits for a sequence or its prompt is made has an
   * only an `end`. Where llama.cpp is at one batch for long, the `end` comes some seconds after the abort
   * or the deadline, without memory; a process that does not react at all is ended (`engine-died`).
   * Requests that wait when the process dies wait on; those under way fail.
   */
  generate(
    request: GenerateRequest,
    options?: { signal?: AbortSignal },
  ): AsyncIterable<GenerateEvent>;
  /** Control tokens such as `<s>` are read as text unless `special`; bos is added by `addBos`. */
  tokenize(
    text: string,
    options?: { special?: boolean; addBos?: boolean },
  ): Promise<{ tokenId: number; text: string }[]>;
  detokenize(tokenIds: number[]): Promise<string>;
  /**
   * The prompt that a chat request with these messages would evaluate. Rejects with `bad-request` where
   * the template refuses them, or takes more than some seconds or some memory.
   */
  applyTemplate(conversation: ChatInput): Promise<string>;
  /** Tokens of the prompt that this input would evaluate, the bos included. Rejects as `applyTemplate` does. */
  countTokens(input: GenerateInput): Promise<number>;
  /** One vector of `nEmbd` floats and length 1 a text. Rejects with code `no-embeddings` where the model has none. */
  embed(texts: string[]): Promise<{ vectors: number[][]; promptTokens: number }>;
  slots(): SlotState[];
  /** Requests that wait for a sequence. */
  readonly waiting: number;
  memory(): Promise<Memory>;
  /** Decodes one token, and says how long it took: what a health check asks. */
  probe(options?: { signal?: AbortSignal }): Promise<{ durationMs: number }>;
  /**
   * Writes the KV cache of the sequence used last to a file, with the tokens that it holds.
   * The file is there whole or not at all. Rejects with `bad-request` where no cache is held.
   */
  saveSession(path: string): Promise<{ tokens: number; sizeBytes: number }>;
  /**
   * Reads such a file into a sequence that is idle, for a prompt that starts with these tokens.
   * The file must be whole and of this very model, which is for the caller to check: llama.cpp tells
   * another shape, not other weights, and aborts on a file that was cut (`engine-died`). Rejects with
   * `bad-request` where it does not fit this model or context; the engine is then as before.
   */
  loadSession(path: string): Promise<{ tokens: number }>;
  /** When a token was last decoded, in ms since the epoch; null before the first. */
  readonly lastTokenAtMs: number | null;
  /** Called at every change of {@link state}; returns a function that ends this. */
  onState(listener: (state: EngineState) => void): () => void;
  /** Ends the process and frees everything. What is under way is aborted. */
  close(): Promise<void>;
}

/** A GGUF file, by its own header. */
export type ModelFile = {
  path: string;
  modifiedAtMs: number;
  sizeBytes: number;
  shape: ModelWidths;
  /** Tensors of each type, such as `{ Q4_K: 224, F32: 65 }`. */
  types: Record<string, number>;
  /** What the file says of its making; null where it says nothing. */
  provenance: Record<string, unknown> | null;
};

export type EngineState =
  | { kind: 'loading' /** 0 to 1 */; progress: number }
  | { kind: 'ready' }
  | { kind: 'restarting'; attempt: number; pauseMs: number; failure: EngineFailure }
  | { kind: 'failed'; failure: EngineFailure }
  | { kind: 'closed' };

export type EngineFailureCode =
  /** The prompt does not fit the context; `neededTokens` and `availableTokens` are set. */
  | 'context-overflow'
  /** The request asks for what cannot be done; the message says what (a broken grammar, ...). */
  | 'bad-request'
  | 'no-embeddings'
  /** The process ended while it answered: `signal`, `nativeLog` and memory say why. */
  | 'engine-died'
  /** The model cannot be loaded here; the message says why and what to do. */
  | 'load-failed'
  /** The engine is loading, restarting, failed or closed. */
  | 'not-ready'
  | 'queue-full'
  | 'internal';

/** What an {@link Engine} throws; engine/engine-error.ts makes it an Error. Plain data crosses processes. */
export type EngineFailure = {
  code: EngineFailureCode;
  message: string;
  neededTokens?: number;
  availableTokens?: number;
  /** For an overflow: tokens of the whole context. */
  nCtx?: number;
  signal?: string;
  exitCode?: number;
  /** For a kill: what the model asks for, by its own accounting or, before that, by its file. */
  askedBytes?: number;
  /** For a kill: what the machine (or its control group) had left before the load. */
  freeBytes?: number;
  nativeLog?: string[];
};

/** How an engine is started. Sizes are tokens unless named otherwise. */
export type EngineOptions = {
  modelPath: string;
  /** `auto` takes the best GPU on which the model fits; a name forces that backend. */
  gpu?: 'auto' | 'off' | GpuBackend;
  /** Layers on the GPU; `auto` fits as many as memory allows. */
  gpuLayers?: number | 'auto';
  /** Context of each sequence; default the model's own, limited to what memory allows. */
  nCtx?: number;
  kvType?: KvType;
  parallel?: number;
  /** CPU threads for every batch; without it as many as are quickest, found batch by batch. */
  threads?: number;
  flashAttention?: boolean | 'auto';
  mmap?: boolean;
  /** Jinja in place of the file's own chat template. */
  chatTemplate?: string;
  /** False: a template that lets the model think is asked not to, unless a request says otherwise. */
  thinking?: boolean;
  /** A smaller model with the same vocabulary that drafts for this one; it changes no answer. */
  draftPath?: string;
  /** Drafts all it may, sure or not, whether it pays or not: for tests and benches. */
  alwaysDraft?: boolean;
  /** Reads the weights past the page cache, where the system can; turns `mmap` off. */
  directIo?: boolean;
  /** Requests that may wait for a sequence; one more is refused with `queue-full`. */
  maxQueue?: number;
};

export type ChatRole = 'system' | 'user' | 'assistant' | 'tool';
export type ToolCall = { id: string; name: string; arguments: string };
export type ChatMessage = {
  role: ChatRole;
  content: string;
  toolCalls?: ToolCall[];
  toolCallId?: string;
  /** What the model thought before it said this; only some templates have a place for it. */
  reasoningContent?: string;
};

/** Defaults are llama.cpp's: 0.8, 0.95, 40, 0.05, 1 and a random seed. */
export type Sampling = {
  /** 0 takes the likeliest token. */
  temperature?: number;
  topP?: number;
  topK?: number;
  minP?: number;
  repeatPenalty?: number;
  /** Taken from the logit of a token for each time that it is among the last 64. */
  frequencyPenalty?: number;
  /** Taken once. */
  presencePenalty?: number;
  seed?: number;
  /** Token id to additive bias in logits; -100 or less forbids the token. */
  logitBias?: Record<number, number>;
};

export type ChatInput = {
  messages: ChatMessage[];
  /** OpenAI's tool definitions; a template that knows no tools gets them in words. */
  tools?: unknown[] | undefined;
  /** The answer goes on with the last message, which is the assistant's, as if it were not over. */
  continuesLast?: boolean | undefined;
  /** Whether the prompt ends where the assistant starts; default true. */
  addGenerationPrompt?: boolean | undefined;
  /** Further variables of the template, such as `enable_thinking`. */
  variables?: Record<string, unknown> | undefined;
};
export type GenerateInput =
  | ({ kind: 'chat' } & ChatInput)
  | { kind: 'text'; text: string }
  | { kind: 'tokens'; tokens: number[] };

export type GenerateRequest = {
  input: GenerateInput;
  sampling?: Sampling;
  maxTokens?: number;
  stop?: string[];
  grammar?: { kind: 'gbnf'; text: string } | { kind: 'json-schema'; schema: unknown };
  /** Report the log-probabilities of this many alternatives for each token; 0 reports only the chosen token. */
  topLogprobs?: number;
  overflow?: 'error' | 'drop-oldest';
  /** Tell of every batch of the prompt, as `progress` events. */
  withProgress?: boolean;
  /** Give every `token` event the timings so far. */
  withTimings?: boolean;
  /** Give up after this long, queue time included. */
  deadlineMs?: number;
};

export type TokenLogprob = { tokenId: number; token: string; logprob: number };
export type TokenLogprobs = TokenLogprob & { top: TokenLogprob[] };
export type StopReason = 'eos' | 'stop' | 'length' | 'abort' | 'deadline' | 'context';

export type StartEvent = {
  kind: 'start';
  promptTokens: number;
  cachedTokens: number;
  droppedTurns: number;
  droppedTokens: number;
  /** The prompt ends within `<think>`: the answer starts with what the model thinks. */
  opensThinking?: boolean;
};
/** Of `promptTokens`, `processedTokens` are in the cache now. */
export type ProgressEvent = { kind: 'progress'; processedTokens: number; elapsedMs: number };
export type TokenEvent = {
  kind: 'token';
  /** Text that is safe to show: never half a character, never the start of a stop string. */
  text: string;
  tokenIds: number[];
  logprobs?: TokenLogprobs[];
  timings?: Timings;
};
export type EndEvent = {
  kind: 'end';
  stopReason: StopReason;
  stopString?: string;
  timings: Timings;
  memory: Memory;
};
export type GenerateEvent = StartEvent | ProgressEvent | TokenEvent | EndEvent;

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
  /** Only where a model drafts. */
  draft?: DraftTimings;
};

export type DraftTimings = {
  /** Drafted for this answer, and those of them that it took. */
  tokens: number;
  acceptedTokens: number;
  /** Speed with drafts by speed without, as last measured; null where it was not yet. */
  gain: number | null;
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

export type EngineInfo = {
  modelPath: string;
  modelName: string;
  nCtx: number;
  nCtxTrain: number;
  nVocab: number;
  nEmbd: number;
  parallel: number;
  backend: Backend;
  deviceNames: string[];
  gpuLayers: number;
  kvType: KvType;
  /** CPU threads that may compute a batch. */
  threads: number;
  /** Whether all of them always do, as the options say so; else fewer where that is quicker. */
  hasFixedThreads: boolean;
  flashAttention: boolean;
  mmap: boolean;
  llamaCppRelease: string;
  loadMs: number;
  /**
   * Bytes by the backend's own accounting, of a model that drafts, too. Weights are exact, and so is the sum of the other two; how it
   * is split is read from llama.cpp's log, which tells hundredths of a MiB.
   */
  weightsBytes: number;
  kvBytes: number;
  computeBytes: number;
  /** The same as it was predicted, without looking at what was allocated; null where it was not. */
  predicted?: PredictedMemory | null;
  /** The model that drafts; left out where none does. */
  draft?: { path: string; modelName: string; nCtx: number };
  chatTemplate: string | null;
  bosTokenId: number | null;
  eosTokenId: number | null;
  canEmbed: boolean;
};

/** Bytes of GPU and system together; the total counts the process and the GPU's context, too. */
export type PredictedMemory = {
  weightsBytes: number;
  kvBytes: number;
  computeBytes: number;
  totalBytes: number;
};

export type SlotState = {
  id: number;
  busy: boolean;
  contextUsed: number;
  requestId: number | null;
};
