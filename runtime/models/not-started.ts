// An engine that was not started, because it is known beforehand that it could not load its model.
// It answers every question with why, so that such a load takes the way of any other that fails: the
// request gets the failure in its API's form, and the log a run that did not load.
import { AnswerStream } from '../engine/answer-stream.js';
import type { Engine, EngineFailure } from '../engine/engine.js';
import { EngineError } from '../engine/engine-error.js';

export function notStarted(failure: EngineFailure): Engine {
  const refuse = () => Promise.reject(new EngineError(failure));
  return {
    state: { kind: 'failed', failure },
    file: null,
    info: null,
    pid: undefined,
    restarts: 0,
    waiting: 0,
    lastTokenAtMs: null,
    ready: refuse,
    generate: () => AnswerStream.failed(new EngineError(failure)),
    tokenize: refuse,
    detokenize: refuse,
    applyTemplate: refuse,
    countTokens: refuse,
    embed: refuse,
    slots: () => [],
    memory: refuse,
    probe: refuse,
    saveSession: refuse,
    loadSession: refuse,
    onState: () => () => {},
    close: async () => {},
  };
}
