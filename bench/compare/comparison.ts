// What a comparison holds: models side by side, the unpruned one first.
// What could not be measured is null, and the model says why; the rest of it is good all the same.
import type { Fit } from '../../devices/fit/fit.js';
import type { MemoryPrediction } from '../../devices/memory/memory-prediction.js';
import type { Quality } from '../../llama/quality/quality-protocol.js';
import type { SizedModel } from '../../model/shape/sized-model.js';
import type { FileType } from '../../model/types/mixtures.js';
import type { EngineInfo, StopReason } from '../../runtime/engine/engine.js';
import type { MachineRow } from '../../runtime/log/rows.js';
import type { TimedAnswer } from '../measure/repeated-answers.js';
import type { ComparedQuestion } from './answers/questions.js';

export type Comparison = {
  startedAtMs: number;
  machine: MachineRow;
  setting: ComparisonSetting;
  /** The first is what the others are compared with. */
  models: Compared[];
  equalMemory: EqualMemory[];
  /** Unpruned models that were made to be measured beside the pruned ones. */
  made: Compared[];
  /** Was it interrupted? */
  isWhole: boolean;
};

export type ComparisonSetting = {
  /** Tokens of context that each model is loaded with, and predicted for. */
  nCtx: number;
  /** Of an answer, at most. */
  maxTokens: number;
  repeats: number;
  questions: ComparedQuestion[];
  text: ScoredText | null;
};

export type ScoredText = {
  /** What the report calls it. */
  name: string;
  text: string;
  /** Tokens of a chunk. */
  nCtx: number;
  maxChunks: number | null;
};

export type Compared = {
  label: string;
  path: string;
  /** Null where the file cannot be read. */
  file: ComparedFile | null;
  info: EngineInfo | null;
  /** In the order of the questions; fewer where it failed on the way. */
  answers: ComparedAnswer[];
  /** One a round of speed. */
  timed: TimedRound[];
  speed: Speed | null;
  memory: MeasuredMemory | null;
  quality: Quality | null;
  /** Why KL divergence is not told although perplexity is. */
  noDivergence: string | null;
  predicted: MemoryPrediction | null;
  /** One a device of the catalogue. */
  fits: Fit[];
  /** What went wrong first. */
  failure: string | null;
};

export type ComparedFile = {
  sizeBytes: number;
  fileType: FileType | null;
  sized: SizedModel;
  /** The same for files whose tokenizers split any text alike. */
  tokenizerSha256: string;
  chatTemplate: string | null;
  /** Has the widths of the first model: the first itself, or the same in another type. */
  isUnpruned: boolean;
};

export type ComparedAnswer = {
  text: string;
  nTokens: number;
  nWords: number;
  /** {@link repetitionRate} */
  repetition: number;
  /** {@link wordDifference} from the first model's answer; null where that has none. */
  difference: number | null;
  stopReason: StopReason;
  /** Whether it is the right answer, word for word; null where none is known. */
  isRight: boolean | null;
};

/** Medians over the rounds. */
export type Speed = {
  /** A whole answer of so many tokens, prompt included. */
  answerTokens: number;
  answerMs: number;
  ttftMs: number;
  /** Of the tokens after the first. */
  tokensPerSecond: number;
  promptTokens: number;
  /** Tokens a second of each round; all models take part in a round, one after the other. */
  rates: number[];
  /** The most that other programs had of all cores in a round, 0 to 1; null where it is not known. */
  othersShare: number | null;
};

/** An answer, and what other programs had of all cores meanwhile. */
export type TimedRound = TimedAnswer & { othersShare: number | null };

export type MeasuredMemory = {
  /** By the backend's own accounting, GPU and system together. */
  weightsBytes: number;
  kvBytes: number;
  computeBytes: number;
  /** Of the process that held the model. */
  peakRssBytes: number;
  /** In use on the GPU, by whatever program; null on the CPU. */
  devicePeakBytes: number | null;
};

/** A pruned model beside the unpruned one of the same memory. */
export type EqualMemory = {
  pruned: Compared;
  prunedBytes: number;
  /** The largest that is predicted to take no more; null where even the smallest takes more. */
  type: FileType | null;
  /** Predicted of `type`, or of the smallest. */
  denseBytes: number;
  /** Null where nobody gave it and there was nothing to make it from. */
  dense: Compared | null;
};
