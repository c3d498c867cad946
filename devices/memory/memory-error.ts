// What prediction refuses: settings and models that llama.cpp would refuse as well, or abort on.
// Found before anything is loaded, so the message can say what to change.
// Running out of memory is no error here but a verdict.

/** Thrown where llama.cpp could not run the model with these settings at all. */
export class MemoryPredictionError extends Error {
  override readonly name = 'MemoryPredictionError';
  readonly code = 'HEARTH_MEMORY';
}
