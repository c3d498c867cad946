// The messages between an engine and its child process.
// Plain data for `child_process.fork` with advanced serialisation; every call has an id.
import type {
  ChatInput,
  EngineFailure,
  EngineInfo,
  EngineOptions,
  GenerateEvent,
  GenerateInput,
  GenerateRequest,
  Memory,
  ModelFile,
} from './engine.js';

export type ToChild =
  | { kind: 'load'; options: EngineOptions }
  /** `deadlineMs` of the request is what is left of it. */
  | { kind: 'generate'; id: number; request: GenerateRequest }
  /** The answer ends for this reason as soon as it can. */
  | { kind: 'stop'; id: number; stopReason: 'abort' | 'deadline' }
  /** Whether its event loop turns; answered by `alive` at once. */
  | { kind: 'ping' }
  | { kind: 'call'; id: number; call: Call };

export type Call =
  | { method: 'tokenize'; text: string; special: boolean; addBos: boolean }
  | { method: 'detokenize'; tokenIds: number[] }
  | { method: 'applyTemplate'; conversation: ChatInput }
  | { method: 'countTokens'; input: GenerateInput }
  | { method: 'embed'; texts: string[] }
  | { method: 'memory' }
  | { method: 'probe' }
  | { method: 'saveSession'; path: string }
  | { method: 'loadSession'; path: string };

export type CallResults = {
  tokenize: { tokenId: number; text: string }[];
  detokenize: string;
  applyTemplate: string;
  countTokens: number;
  embed: { vectors: number[][]; promptTokens: number };
  memory: Memory;
  probe: { durationMs: number };
  saveSession: { tokens: number; sizeBytes: number };
  loadSession: { tokens: number };
};

export type FromChild =
  /** It was read, whether or not llama.cpp can run it. */
  | { kind: 'file'; file: ModelFile }
  | { kind: 'progress'; progress: number }
  | { kind: 'ready'; info: EngineInfo }
  | { kind: 'alive' }
  | { kind: 'load-failed'; failure: EngineFailure }
  | { kind: 'log'; lines: string[] }
  /** For who runs the engine. */
  | { kind: 'notice'; text: string }
  | { kind: 'events'; events: { id: number; slotId: number; event: GenerateEvent }[] }
  | { kind: 'answer-failed'; id: number; failure: EngineFailure }
  | { kind: 'result'; id: number; value: CallResults[keyof CallResults] }
  | { kind: 'call-failed'; id: number; failure: EngineFailure };
