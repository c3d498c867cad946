// A model as its file tells of it, before anything is loaded: widths, type, tokenizer.
// Tokenizers are compared by all that decides how a text is split, not by name.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { type GgufFile, readGgufFile } from '../../model/gguf/gguf-file.js';
import type { ModelShape } from '../../model/shape/model-shape.js';
import { sizedModelOfGguf } from '../../model/shape/sized-model.js';
import { fileTypeOf } from '../../model/types/mixtures.js';
import type { Compared, ComparedFile } from './comparison.js';

/** `first` is the unpruned model, where it could be read. Throws GgufFileError. */
export async function readModelFile(
  modelPath: string,
  first: ComparedFile | null,
): Promise<ComparedFile> {
  const file = await readGgufFile(modelPath);
  const sized = sizedModelOfGguf(file);
  const chatTemplate = file.metadata['tokenizer.chat_template'];
  return {
    sizeBytes: file.sizeBytes,
    fileType: fileTypeOf(file.metadata['general.file_type']),
    sized,
    tokenizerSha256: tokenizerSha256(file),
    chatTemplate: typeof chatTemplate === 'string' ? chatTemplate : null,
    isUnpruned: first === null || hasWidthsOf(sized.shape, first.sized.shape),
  };
}

/** Nothing measured yet. */
export function unmeasured(label: string, modelPath: string): Compared {
  return {
    label,
    path: modelPath,
    file: null,
    info: null,
    answers: [],
    timed: [],
    speed: null,
    memory: null,
    quality: null,
    noDivergence: null,
    predicted: null,
    fits: [],
    failure: null,
  };
}

/** The files' names, and more of their paths where names are the same. */
export function labelsOf(paths: readonly string[]): string[] {
  const names = paths.map((file) => path.basename(file).replace(/\.gguf$/i, ''));
  return names.map((name, i) =>
    names.indexOf(name) === names.lastIndexOf(name) ? name : (paths[i] as string),
  );
}

export function hasWidthsOf(shape: ModelShape, other: ModelShape): boolean {
  const widths = ({ nEmbd, nVocab, nHead, nHeadKv, nFf, headSize }: ModelShape) =>
    JSON.stringify([nEmbd, nVocab, nHead, nHeadKv, nFf, headSize]);
  return widths(shape) === widths(other);
}

const TOKENIZER_KEYS = [
  'model',
  'pre',
  'tokens',
  'scores',
  'token_type',
  'merges',
  'add_space_prefix',
  'add_bos_token',
  'bos_token_id',
].map((key) => `tokenizer.ggml.${key}`);

function tokenizerSha256({ metadata }: GgufFile): string {
  const hash = createHash('sha256');
  for (const key of TOKENIZER_KEYS) hash.update(JSON.stringify([key, metadata[key] ?? null]));
  return hash.digest('hex');
}
