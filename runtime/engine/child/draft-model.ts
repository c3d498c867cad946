// The smaller model that drafts for the one that answers: checked against it, then loaded as it was.
// Both must number their tokens alike, or a draft would be another text; and a draft model that is not the
// smaller one could only hold up. Runs only in the engine's child process.
import path from 'node:path';
import type { Llama, LlamaContext, LlamaModel } from 'node-llama-cpp';
import { type Native, nativeParts } from '../../../llama/node-llama-internals.js';
import type { ThreadTuner } from '../../../llama/thread-tuner.js';
import type { GgufFile } from '../../../model/gguf/gguf-file.js';
import { formatDisk } from '../../../terminal/units.js';
import type { EngineInfo, EngineOptions, PredictedMemory } from '../engine.js';
import { EngineError } from '../engine-error.js';
import { checkHeader, readHeader } from './gguf-check.js';
import {
  checkArchitecture,
  openContext,
  openModel,
  tuneThreads,
  withoutSlowAttention,
} from './open-model.js';
import { predictedMemory } from './predicted.js';

export type DraftModel = {
  native: Native;
  threads: ThreadTuner;
  nCtx: number;
  nBatch: number;
  always: boolean;
  info: NonNullable<EngineInfo['draft']>;
  /** By the backend's own accounting; KV cache and compute buffers in one. */
  weightsBytes: number;
  contextBytes: number;
  predicted: PredictedMemory | null;
};

/** The weights of a draft model, whose context waits until the other model has its own. */
export type OpenDraft = { file: GgufFile; model: LlamaModel; options: EngineOptions };

/** Throws {@link EngineError} `load-failed` for a file that cannot draft for `parent`. */
export async function readDraftFile(
  llama: Llama,
  draftPath: string,
  parent: GgufFile,
): Promise<GgufFile> {
  const file = await readHeader(draftPath);
  checkHeader(file);
  checkArchitecture(llama, file);
  checkVocabulary(file, parent);
  if (file.sizeBytes < parent.sizeBytes) return file;
  throw refusal(
    `${file.path} (${formatDisk(file.sizeBytes)}) is not smaller than ${parent.path} (${formatDisk(parent.sizeBytes)}), for which it would draft; a draft model must be the quicker of the two, such as the same model pruned`,
  );
}

export async function openDraft(
  llama: Llama,
  file: GgufFile,
  { gpuLayers: _, parallel: _one, ...parent }: EngineOptions,
): Promise<OpenDraft> {
  const asked = { ...parent, modelPath: file.path };
  const model = await openModel(llama, asked, () => {});
  return { file, options: await withoutSlowAttention(model, file, asked), model };
}

/** Its context is as long as the answering model's, or as memory allows where nobody asked for a length. */
export async function readyDraft(
  llama: Llama,
  { file, model, options }: OpenDraft,
  parent: LlamaContext,
): Promise<DraftModel> {
  const context = await openContext(model, options, parent.contextSize);
  const native = nativeParts(llama, model, context);
  const threads = await tuneThreads(native, model, options);
  const flashAttention = context.flashAttention === true;
  return {
    native,
    threads,
    nCtx: context.contextSize,
    nBatch: context.batchSize,
    always: options.alwaysDraft ?? false,
    info: {
      path: path.resolve(file.path),
      modelName: String(file.metadata['general.name'] ?? path.basename(file.path)),
      nCtx: context.contextSize,
    },
    weightsBytes: sum(native.model.getMemoryBreakdown()),
    contextBytes: sum(native.context.getMemoryBreakdown()),
    predicted: await predictedMemory({ file, options, model, context, flashAttention }),
  };
}

function sum({ cpuRam, gpuVram }: { cpuRam: number; gpuVram: number }): number {
  return cpuRam + gpuVram;
}

function checkVocabulary(draft: GgufFile, parent: GgufFile): void {
  const [own, theirs] = [tokensOf(draft), tokensOf(parent)];
  const at = own.findIndex((token, id) => token !== theirs[id]);
  if (own.length === theirs.length && at < 0) return;
  const difference =
    own.length === theirs.length
      ? `token ${at} is ${JSON.stringify(own[at])} in one and ${JSON.stringify(theirs[at])} in the other`
      : `${own.length} tokens against ${theirs.length}`;
  throw refusal(
    `${draft.path} has another vocabulary than ${parent.path} (${difference}), so that it cannot draft for it; expected a model with the same tokenizer, such as the same model pruned`,
  );
}

function tokensOf(file: GgufFile): unknown[] {
  return file.metadata['tokenizer.ggml.tokens'] as unknown[];
}

function refusal(message: string): EngineError {
  return new EngineError({ code: 'load-failed', message });
}
