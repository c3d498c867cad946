// What every part of bench:serve is given: the models, the machine's share, and how long to measure.
// Both sides of a ratio are started with the same settings, which stand here.
// Measures nothing.

export type BenchModel = {
  /** That of a file given by its user is `file`. */
  name: 'appliance' | 'synthetic' | 'file';
  path: string;
  /** With which bare node-llama-cpp decodes it quickest here. */
  bareThreads: number;
  /** Tokens of an answer long enough to time, on a model of this speed. */
  answerTokens: number;
  /** How often a pair is measured. */
  rounds: number;
};

export type Setting = {
  models: BenchModel[];
  /** Threads of llama.cpp, on both sides; null for hearth as it starts, and bare at its best. */
  threads: number | null;
  /** A tenth of the requests and kills; the models' rounds are fewer too. */
  isQuick: boolean;
  /** Where logs are kept. */
  folder: string;
  /** Shows progress. */
  note: (text: string) => void;
  signal: AbortSignal;
};

/** How a model is loaded, by hearth and by bare node-llama-cpp alike: F16 cache, no mmap. */
export type LoadSetting = {
  modelPath: string;
  /** Null is hearth's own choice. */
  threads: number | null;
  nCtx: number;
  parallel: number;
};

/** The same for bare node-llama-cpp, which chooses no threads. */
export function bareLoad(load: LoadSetting, { bareThreads }: BenchModel): BareSetting {
  return { ...load, threads: load.threads ?? bareThreads };
}

export type BareSetting = LoadSetting & { threads: number };

/**
 * A piece of a word in both models' vocabularies. It is made so likely that all answers are of it:
 * the answers of random weights are mostly tokens without text, which no client sees arrive.
 */
export const REPEATED_TOKEN = 300;
/** In logits; the API takes no more. */
export const REPEATED_BIAS = 100;

/** A question that no cache holds yet. */
export function question(round: number, client = 0): string {
  return `${round}.${client}: how loud is the Yuki C119, and what does it weigh?`;
}
