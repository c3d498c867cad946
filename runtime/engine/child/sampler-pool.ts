// Native samplers, used again from answer to answer; none carries anything over.
// node-llama-cpp 3.22.1 keeps the candidates of a disposed one, 12 bytes a token of the vocabulary,
// until V8 collects its wrapper, of whose size V8 knows nothing: the engine's memory grew by 22 MiB
// in 10,000 answers of 32 clients, and stays level with this.
import type { Native, NativeSampler } from '../../../llama/node-llama-internals.js';

export class SamplerPool {
  readonly #native: Native;
  readonly #idle: NativeSampler[] = [];

  constructor(native: Native) {
    this.#native = native;
  }

  /** One that is as new, until it is given back. */
  take(): NativeSampler {
    return this.#idle.pop() ?? this.#native.createSampler();
  }

  /** Takes back a sampler that is not at work. */
  give(sampler: NativeSampler): void {
    // What a config does not name is freed, but not the state of random numbers: it is made anew
    // when the seed differs from the one before, and here the second of two must differ.
    for (const seed of [0, 1]) sampler.applyConfig({ temperature: 0, seed });
    this.#idle.push(sampler);
  }
}
