// What a file is, without running anything from it: a GGUF or a checkpoint, its widths, types,
// tokenizer, template, padding and where it comes from.
// Reads headers only. Two readers look at a GGUF: @huggingface/gguf, checked against the file's
// size, and for files that it can read the npm package gguf, which must agree.
import { stat } from 'node:fs/promises';
import { parseRawMetadata } from 'gguf';
import { type Checkpoint, openCheckpoint } from '../model/checkpoint/checkpoint.js';
import {
  type GgufFile,
  GgufFileError,
  type GgufValue,
  isGguf,
  readGgufFile,
} from '../model/gguf/gguf-file.js';
import { denseParameterCount } from '../model/shape/dense-size.js';
import { describeLlama, type LayerWidths } from '../model/shape/llama-model.js';
import { shapeOfGguf } from '../model/shape/model-shape.js';
import { fileTypeOf } from '../model/types/mixtures.js';

export type Inspection = {
  kind: Checkpoint['kind'];
  path: string;
  name: string | null;
  arch: string;
  nParams: number;
  nParamsDense: number | null;
  sizeBytes: number;
  nEmbd: number;
  nVocab: number;
  headSize: number;
  nCtxTrain: number;
  tiedEmbeddings: boolean;
  layers: LayerWidths[];
  /** Bytes by type. */
  types: Record<string, number>;
  /** The name of the mixture; null for a checkpoint. */
  fileType: string | null;
  tokenizer: string | null;
  chatTemplate: string | null;
  /** Widths before padding, where they differ from the stored ones. */
  padding: { nEmbd?: number; nFf?: number[]; nHead?: number[] } | null;
  /** Who made it from what: version, source files, SHA-256, pruning arguments, LoRA. */
  provenance: Record<string, unknown>;
};

/** Describes a GGUF or a checkpoint. Throws `CheckpointError` or `GgufFileError`. */
export async function inspect(filePath: string): Promise<Inspection> {
  return (await isGguf(filePath))
    ? await inspectGguf(filePath)
    : await inspectCheckpoint(await openCheckpoint(filePath));
}

async function inspectGguf(filePath: string): Promise<Inspection> {
  const file = await readGgufFile(filePath);
  const shape = shapeOfGguf(file);
  await checkWithSecondReader(file);
  const { metadata } = file;
  const layers = shape.nHead.map((nHead, i) => ({
    nHead,
    nHeadKv: shape.nHeadKv[i] as number,
    nFf: shape.nFf[i] as number,
  }));
  return {
    kind: 'gguf',
    path: filePath,
    name: shape.name || null,
    arch: shape.arch,
    nParams: shape.nParams,
    nParamsDense: numberOrNull(metadata['hearth.parameter_count.unpruned']),
    sizeBytes: file.sizeBytes,
    nEmbd: shape.nEmbd,
    nVocab: shape.nVocab,
    headSize: shape.headSize,
    nCtxTrain: shape.nCtxTrain,
    tiedEmbeddings: shape.tiedEmbeddings,
    layers,
    types: sumByType(file.tensors),
    fileType: fileTypeName(metadata['general.file_type']),
    tokenizer: describeTokenizer(metadata),
    chatTemplate: textOrNull(metadata['tokenizer.chat_template']),
    padding: readPadding(metadata, shape.nEmbd, layers),
    provenance: readProvenance(metadata),
  };
}

/** The npm package reads the first 10 MiB of a file and fails on a shorter one. */
const SECOND_READER_MIN_BYTES = 10 << 20;

async function checkWithSecondReader({ path, sizeBytes, metadata }: GgufFile): Promise<void> {
  if (sizeBytes < SECOND_READER_MIN_BYTES || Object.keys(metadata).some(reachesPrototype)) return;
  const second = await parseRawMetadata(path);
  // Its buffer ends before the vocabulary of some models does.
  if (second.error) return;
  for (const key of ['architecture', 'name']) {
    const [one, other] = [metadata[`general.${key}`], second.metadata['general']?.[key]];
    if (other !== undefined && String(one) !== String(other))
      throw new GgufFileError(
        `${path}: two readers disagree on general.${key} (${String(one)} and ${String(other)}); the header is damaged`,
      );
  }
}

/** The npm package turns `a.b` into nested objects and would follow such a name out of them. */
function reachesPrototype(key: string): boolean {
  return key.split('.').some((part) => part === '__proto__' || part === 'constructor');
}

async function inspectCheckpoint(checkpoint: Checkpoint): Promise<Inspection> {
  const model = describeLlama(checkpoint);
  const sizes = await Promise.all(checkpoint.files.map(async (file) => (await stat(file)).size));
  return {
    kind: checkpoint.kind,
    path: checkpoint.path,
    name: textOrNull(checkpoint.config['_name_or_path']) || null,
    arch: String(checkpoint.config['model_type']),
    nParams: model.nParams,
    nParamsDense: denseParameterCount(checkpoint),
    sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
    nEmbd: model.nEmbd,
    nVocab: model.nVocab,
    headSize: model.headSize,
    nCtxTrain: model.nCtxTrain,
    tiedEmbeddings: model.tiedEmbeddings,
    layers: model.layers,
    types: sumByType(
      [...checkpoint.tensors.values()].map(({ dtype, sizeBytes }) => ({ type: dtype, sizeBytes })),
    ),
    fileType: null,
    tokenizer: checkpoint.tokenizer?.kind ?? null,
    chatTemplate: textOrNull(checkpoint.tokenizer?.config['chat_template']),
    padding: null,
    provenance: { files: checkpoint.files, pruning_arguments: checkpoint.pruningArguments },
  };
}

function sumByType(
  tensors: readonly { type: string; sizeBytes: number }[],
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { type, sizeBytes } of tensors) sums[type] = (sums[type] ?? 0) + sizeBytes;
  return sums;
}

function fileTypeName(id: GgufValue | undefined): string | null {
  return fileTypeOf(id) ?? (id === undefined ? null : `file type ${String(id)}`);
}

function describeTokenizer(metadata: GgufFile['metadata']): string | null {
  const model = textOrNull(metadata['tokenizer.ggml.model']);
  const pre = textOrNull(metadata['tokenizer.ggml.pre']);
  return model && pre ? `${model} (${pre})` : model;
}

function readPadding(
  metadata: GgufFile['metadata'],
  nEmbd: number,
  layers: readonly LayerWidths[],
): Inspection['padding'] {
  const unpadded = (key: string) => metadata[`hearth.unpadded.${key}`];
  const list = (key: string) => (Array.isArray(unpadded(key)) ? (unpadded(key) as number[]) : null);
  const [embedding, nFf, nHead] = [
    numberOrNull(unpadded('embedding_length')),
    list('feed_forward_length'),
    list('head_count'),
  ];
  const padding = {
    ...(embedding !== null && embedding !== nEmbd && { nEmbd: embedding }),
    ...(nFf?.some((width, i) => width !== layers[i]?.nFf) && { nFf }),
    ...(nHead?.some((heads, i) => heads !== layers[i]?.nHead) && { nHead }),
  };
  return Object.keys(padding).length > 0 ? padding : null;
}

/** Everything that says who made the file and from what. */
function readProvenance(metadata: GgufFile['metadata']): Record<string, unknown> {
  const isProvenance = (key: string) =>
    /^hearth\.(version|source|lora|pruning)|^general\.(quantized_by|base_model|license|source)/.test(
      key,
    );
  const entries = Object.entries(metadata).filter(([key]) => isProvenance(key));
  return Object.fromEntries(entries);
}

function numberOrNull(value: GgufValue | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
