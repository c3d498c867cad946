// Everything about a conversion that is known before a weight is read: the model, the plan, the
// pairs and the layout of the file. --dry-run ends here; convert.ts goes on from here.
// Writes nothing.
import path from 'node:path';
import type { Fit } from '../devices/fit/fit.js';
import { type Checkpoint, openCheckpoint } from '../model/checkpoint/checkpoint.js';
import { CheckpointError } from '../model/checkpoint/checkpoint-error.js';
import { ggufName, roundedTypes } from '../model/checkpoint/gguf/gguf-checkpoint.js';
import { type Lora, openLora } from '../model/checkpoint/lora/lora.js';
import { pruneLora } from '../model/checkpoint/lora/pruned-lora.js';
import { applyPruning, type Pruning } from '../model/checkpoint/pruned-checkpoint.js';
import { readTokenizerFiles } from '../model/checkpoint/tokenizer-folder.js';
import { type GgufLayout, layOutGguf } from '../model/gguf/gguf-header.js';
import { type GgufMetadata, stringEntry } from '../model/gguf/gguf-metadata.js';
import type { ImportanceMatrix } from '../model/imatrix/importance-matrix.js';
import { denseParameterCount } from '../model/shape/dense-size.js';
import { describeLlama, type LlamaModel } from '../model/shape/llama-model.js';
import { modelMetadata } from '../model/shape/model-metadata.js';
import { tokenizerMetadata } from '../model/tokenizer/tokenizer-metadata.js';
import type { QuantisePlan } from '../model/types/quantise-plan.js';
import { formatPercent } from '../terminal/units.js';
import { chooseType, type TypeRequest } from './choose-type.js';
import { fitImportance } from './fit-importance.js';
import { provenanceMetadata } from './provenance.js';
import { readSourceFiles, type SourceFiles } from './stream/source-files.js';
import { chatTemplate } from './template/choose-template.js';
import { valueWarnings } from './type-value.js';

export type PrepareOptions = Omit<TypeRequest, 'hasImatrix'> & {
  /** LLM-Pruner's folder or its pytorch_model.bin, another pruner's, a Hugging Face folder, or a GGUF. */
  checkpoint: string;
  /** Folder of a LoRA to merge; it is of the model before `pruning`. */
  lora?: string | undefined;
  /** What to leave out of a dense checkpoint, and what to put in its place. */
  pruning?: Pruning | undefined;
  /** tokenizer.model, tokenizer.json or their folder; needed where the checkpoint has none. */
  tokenizer?: string | undefined;
  /** Name of a built-in template, or a file with Jinja; default the tokenizer's own. */
  chatTemplate?: string | undefined;
  /** Which columns of the weights count; some types cannot be made without. */
  importance?: ImportanceMatrix | undefined;
  /** `general.name`; default the checkpoint's folder. */
  name?: string | undefined;
  signal?: AbortSignal | undefined;
};

export type Prepared = {
  checkpoint: Checkpoint;
  lora: Lora | null;
  model: LlamaModel;
  /** Weights before pruning; null where the config does not tell. */
  nParamsDense: number | null;
  plan: QuantisePlan;
  /** By the name of the tensor, a number for each column of the checkpoint's; null without a matrix. */
  importance: ReadonlyMap<string, Float32Array> | null;
  /** How it fits the device that its type was chosen for. */
  fit: Fit | null;
  /** Why this type, as a sentence; null where it was asked for by name. */
  reason: string | null;
  /** Every file that is read, by its absolute path, as it was when its header was read. */
  sourceFiles: SourceFiles;
  /** The layout with the sources' SHA-256, which change no offset; without them, zeros. */
  layOut(digests?: ReadonlyMap<string, string>): GgufLayout;
  fileBytes: number;
  warnings: string[];
};

/** Reads what describes the model and plans its file. Throws `CheckpointError`. */
export async function prepare(options: PrepareOptions): Promise<Prepared> {
  const { checkpoint, lora, nParamsDense } = await openSources(options);
  const vocabulary = await readVocabulary(checkpoint, options);
  const model = describeLlama(checkpoint);
  const files = [...checkpoint.files, ...(lora?.files ?? []), ...vocabulary.files];
  const sourceFiles = await readSourceFiles(files);
  const name = options.name ?? defaultName(checkpoint, model, nParamsDense);
  const unknown = new Map(files.map((file) => [file, UNKNOWN_DIGEST]));
  const layOut = (plan: QuantisePlan, digests: ReadonlyMap<string, string> = unknown) => {
    const { importance = null } = options;
    const origin = { name, checkpoint, lora, importance, model, plan, nParamsDense, digests };
    const shape = modelMetadata(model, plan.widths);
    const provenance = { ...provenanceMetadata(origin), ...options.pruning?.metadata };
    const metadata = { ...provenance, ...shape, ...vocabulary.metadata };
    return layOutGguf(metadata, plan.tensors);
  };
  const fileBytes = (plan: QuantisePlan) => layOut(plan).fileBytes;
  const request = { ...options, hasImatrix: options.importance !== undefined };
  const { plan, fit, reason } = await chooseType(model, request, fileBytes);
  const fitted = options.importance && fitImportance(options.importance, plan, checkpoint);
  return {
    checkpoint,
    lora,
    model,
    nParamsDense,
    plan,
    importance: fitted?.columns ?? null,
    fit,
    reason,
    sourceFiles,
    layOut: (digests) => layOut(plan, digests),
    fileBytes: fileBytes(plan),
    warnings: [
      ...sourceWarnings(checkpoint),
      ...vocabulary.warnings,
      ...(fitted?.warnings ?? []),
      // A type that was chosen for a device is the best that fits there.
      ...(fit ? [] : await valueWarnings(model, plan)),
    ],
  };
}

type Sources = Pick<Prepared, 'checkpoint' | 'lora' | 'nParamsDense'>;

/** The checkpoint and its LoRA, without what `pruning` leaves out of both. */
async function openSources({
  checkpoint,
  lora,
  pruning,
  signal,
}: PrepareOptions): Promise<Sources> {
  const dense = await openCheckpoint(checkpoint, signal ? { signal } : {});
  const denseLora = lora === undefined ? null : await openLora(lora, dense);
  if (!pruning)
    return { checkpoint: dense, lora: denseLora, nParamsDense: denseParameterCount(dense) };
  const pruned = applyPruning(dense, pruning);
  return {
    checkpoint: pruned,
    lora: denseLora && pruneLora(denseLora, pruned, pruning),
    nParamsDense: describeLlama(dense).nParams,
  };
}

/** As long as a SHA-256 in hex. */
const UNKNOWN_DIGEST = '0'.repeat(64);

type VocabularyPairs = { metadata: GgufMetadata; files: string[]; warnings: string[] };

/** The tokenizer that was given, or else the checkpoint's own, as pairs. */
async function readVocabulary(
  checkpoint: Checkpoint,
  { tokenizer, chatTemplate: wanted, signal }: PrepareOptions,
): Promise<VocabularyPairs> {
  const given = tokenizer === undefined ? null : await readTokenizerFiles(tokenizer);
  const stored = given?.tokenizer ?? checkpoint.tokenizer;
  if (!stored)
    throw new CheckpointError(
      tokenizer ?? checkpoint.path,
      'holds no vocabulary (transformers before 4.31 stored only its path); pass --tokenizer with the tokenizer.model or tokenizer.json of the unpruned model',
    );
  const [nVocab = 0] = checkpoint.tensors.get('model.embed_tokens.weight')?.shape ?? [];
  const filePath = tokenizer ?? checkpoint.path;
  const { config, generationConfig } = checkpoint;
  const pairs = tokenizerMetadata(stored, { nVocab, config, generationConfig, filePath });
  const { template, warnings } = await chatTemplate(stored, { choice: wanted, filePath, signal });
  const metadata: GgufMetadata = {
    ...pairs.metadata,
    ...(template !== null && { 'tokenizer.chat_template': stringEntry(template) }),
  };
  const files = given?.files ?? [];
  return { metadata, files, warnings: [...pairs.warnings, ...warnings] };
}

function sourceWarnings({ path: filePath, tensors }: Checkpoint): string[] {
  const types = roundedTypes(tensors);
  if (types.length === 0) return [];
  return [
    `${filePath} is quantised already (${types.join(', ')}), and what that rounded away stays lost; convert the original, or an F16 or Q8_0 GGUF of it, where you have one`,
  ];
}

/** A GGUF's own; what a pruned model was before; else the folder's, as llama.cpp's converter takes it. */
function defaultName(
  checkpoint: Checkpoint,
  { nParams }: LlamaModel,
  nDense: number | null,
): string {
  const { kind, path: checkpointPath, files, pruningArguments } = checkpoint;
  if (kind === 'gguf') return ggufName(checkpoint);
  const base = path.basename(String(pruningArguments?.['base_model'] ?? ''));
  if (base !== '' && nDense) return `${base}, ${formatPercent(1 - nParams / nDense, 0)} pruned`;
  const isWeights = files.includes(path.resolve(checkpointPath));
  return path.basename(path.resolve(isWeights ? path.dirname(checkpointPath) : checkpointPath));
}
