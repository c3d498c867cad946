// The parts of node-llama-cpp's native binding that its public classes hide, as types.
// One batching loop over them keeps log-probabilities, fair prompts and stops within one token;
// the version is pinned, and a missing part is found at load. Adds no behaviour.
import type { Llama, LlamaContext, LlamaModel } from 'node-llama-cpp';

export type SamplerConfig = {
  temperature: number;
  topK?: number;
  topP?: number;
  minP?: number;
  seed?: number;
  repeatPenalty?: number;
  repeatPenaltyMaxTokens?: number;
  repeatPenaltyTokens?: Uint32Array;
  repeatPenaltyFrequencyPenalty?: number;
  repeatPenaltyPresencePenalty?: number;
  tokenBiasKeys?: Uint32Array;
  tokenBiasValues?: Float32Array;
  grammarEvaluationState?: object;
};

export type NativeSampler = { applyConfig(config: SamplerConfig): void };

/** Tokens, with max, with min, with selected, how many of the likeliest. */
type LogitFilter = [number[], boolean, boolean, boolean, number];
/** Token (-1: none), probabilities, confidence, logits as pairs, sum of exp(logit - max). */
type SampledWithLogits = [number, undefined, undefined, number[], number];

export type NativeContext = {
  initBatch(size: number): void;
  /** Returns the index in the batch of each token that `logitIndexes` names. */
  addToBatch(
    sequenceId: number,
    firstPosition: number,
    tokens: Uint32Array,
    logitIndexes: Uint32Array,
  ): Uint32Array;
  decodeBatch(): Promise<void>;
  /** For the next batches, of one token or more. */
  setThreads(threads: number): void;
  sampleToken(batchIndex: number, sampler: NativeSampler): Promise<number>;
  sampleToken(
    batchIndex: number,
    sampler: NativeSampler,
    probabilities: false,
    confidence: false,
    logits: LogitFilter,
    totalLogitWeight: true,
  ): Promise<SampledWithLogits>;
  disposeSequence(sequenceId: number): void;
  /** False where the memory cannot forget a part (recurrent models). `end` -1 is the end. */
  removeTokenCellsFromSequence(sequenceId: number, start: number, end: number): boolean;
  /** Returns the size of the file in bytes. */
  saveSequenceStateToFile(path: string, sequenceId: number, tokens: Uint32Array): Promise<number>;
  /** Returns the tokens that the file came with. */
  loadSequenceStateFromFile(
    path: string,
    sequenceId: number,
    maxTokens: number,
  ): Promise<Uint32Array>;
  getSequenceKvCacheMinPosition(sequenceId: number): number;
  getMemoryBreakdown(): { cpuRam: number; gpuVram: number };
};

export type NativeModel = {
  tokenize(text: string, special: boolean): Uint32Array;
  detokenize(tokens: Uint32Array, special: boolean): string;
  getTokenString(tokenId: number): string;
  getTokenAttributes(tokenId: number): number;
  isEogToken(tokenId: number): boolean;
  shouldPrependBosToken(): boolean;
  getMemoryBreakdown(): { cpuRam: number; gpuVram: number };
};

export type NativeBindings = {
  AddonSampler: new (model: NativeModel) => NativeSampler;
  getGpuVramInfo(): { total: number; used: number };
  getIsArchSupported(architecture: string): boolean;
};

export type Native = {
  model: NativeModel;
  context: NativeContext;
  createSampler(): NativeSampler;
};

export function nativeBindings(llama: Llama): NativeBindings {
  return hidden(llama, '_bindings') as NativeBindings;
}

/** The native parts of a loaded model. Throws if the library changed. */
export function nativeParts(llama: Llama, model: LlamaModel, context: LlamaContext): Native {
  const bindings = nativeBindings(llama);
  const nativeModel = hidden(model, '_model') as NativeModel;
  const nativeContext = hidden(context, '_ctx') as NativeContext;
  return {
    model: nativeModel,
    context: nativeContext,
    createSampler: () => new bindings.AddonSampler(nativeModel),
  };
}

/** The native state behind a grammar's evaluation state. */
export function nativeGrammarState(state: object): object {
  return hidden(state, '_state');
}

function hidden(owner: object, name: string): object {
  const part: unknown = Reflect.get(owner, name);
  if ((typeof part === 'object' && part !== null) || typeof part === 'function') return part;
  throw new Error(`node-llama-cpp has no ${name}; hearth works with version 3.22.1, install that`);
}
