// Reads a GGUF of a Llama as a checkpoint to convert: names in Hugging Face's spelling, the header as a
// config, the tokenizer's pairs as they are stored. Rows of q and k already lie in RoPE's order.
// Any type that llama.cpp can turn into floats is read; what its rounding lost stays lost.
import path from 'node:path';
import { hasBlockReader } from '../../../llama/ggml-kernels.js';
import { isQuantised } from '../../../llama/ggml-types.js';
import { type GgufFile, type GgufTensor, readGgufFile } from '../../gguf/gguf-file.js';
import { readStoredPairs } from '../../gguf/gguf-pairs.js';
import { shapeOfGguf } from '../../shape/model-shape.js';
import type { Checkpoint } from '../checkpoint.js';
import { CheckpointError } from '../checkpoint-error.js';
import { readRange, withSourceFile } from '../source-file.js';
import type { StoredTokenizer } from '../stored-tokenizer.js';
import { formatShape, type TensorSource } from '../tensor-source.js';
import { ggufConfig, ggufSampling } from './gguf-config.js';
import { huggingFaceName, ROPE_FACTORS } from './gguf-names.js';

/** Throws {@link CheckpointError}, or `GgufFileError` for what is no whole GGUF. */
export async function readGgufCheckpoint(filePath: string): Promise<Omit<Checkpoint, 'path'>> {
  const file = await readGgufFile(filePath);
  const shape = shapeOfGguf(file);
  const config = ggufConfig(file, shape);
  const ropeFactors = await readRopeFactors(file, shape.headSize);
  if (ropeFactors && config['rope_scaling'])
    throw new CheckpointError(
      filePath,
      `has ${ROPE_FACTORS} and linear scaling; hearth converts models with one of them`,
    );
  return {
    kind: 'gguf',
    files: [filePath],
    config,
    headSize: shape.headSize,
    tensors: listSources(file),
    tiedEmbeddings: shape.tiedEmbeddings,
    tokenizer: await readTokenizer(file),
    pruningArguments: null,
    generationConfig: ggufSampling(file),
    ropeFactors,
  };
}

function listSources(file: GgufFile): Map<string, TensorSource> {
  const sources = new Map<string, TensorSource>();
  for (const tensor of file.tensors) {
    const name = huggingFaceName(tensor.name, file.path);
    if (name !== null) sources.set(name, sourceOf(tensor, name, file.path));
  }
  return sources;
}

/** A matrix is `[n_in, n_out]` there, and rows of `n_in` in both. */
function sourceOf(tensor: GgufTensor, name: string, filePath: string): TensorSource {
  const { type, offsetBytes, sizeBytes } = tensor;
  const shape = [...tensor.shape].reverse();
  const isPlain = type === 'F32' || type === 'F16' || type === 'BF16';
  // Rows of blocks are read one by one, and a vector may lie along its rows.
  if (!isPlain && !(hasBlockReader(type) && shape.length === 2))
    throw new CheckpointError(
      filePath,
      `${tensor.name} is ${formatShape(tensor.shape)} of ${type}, expected a matrix of a type that llama.cpp can turn into floats`,
    );
  return { name, dtype: type, shape, filePath, offsetBytes, sizeBytes };
}

/** The types of a file whose rounding is worth a warning: fewer bits than Q8_0. */
export function roundedTypes(tensors: Checkpoint['tensors']): string[] {
  const types = new Set([...tensors.values()].map(({ dtype }) => dtype));
  return [...types].filter((type) => isQuantised(type) && type !== 'Q8_0');
}

async function readRopeFactors(file: GgufFile, headSize: number): Promise<Float32Array | null> {
  const tensor = file.tensors.find(({ name }) => name === ROPE_FACTORS);
  if (!tensor) return null;
  const { type, shape, offsetBytes, sizeBytes } = tensor;
  if (type !== 'F32' || formatShape(shape) !== formatShape([headSize / 2]))
    throw new CheckpointError(
      file.path,
      `${ROPE_FACTORS} is ${formatShape(shape)} of ${type}, expected ${formatShape([headSize / 2])} of F32`,
    );
  const bytes = await withSourceFile(file.path, (open) => readRange(open, offsetBytes, sizeBytes));
  const factors = new Float32Array(Uint8Array.from(bytes).buffer);
  if (factors.every((factor) => factor > 0 && Number.isFinite(factor))) return factors;
  throw new CheckpointError(file.path, `${ROPE_FACTORS} has a factor that is no positive number`);
}

const TEMPLATE = 'tokenizer.chat_template';

/** Null where the file has no vocabulary. */
async function readTokenizer(file: GgufFile): Promise<StoredTokenizer | null> {
  const { 'tokenizer.ggml.model': model, 'tokenizer.ggml.tokens': tokens } = file.metadata;
  if (typeof model !== 'string' || !Array.isArray(tokens)) return null;
  const { [TEMPLATE]: _, ...pairs } = await readStoredPairs(file, 'tokenizer.');
  const template = file.metadata[TEMPLATE];
  return {
    kind: 'gguf',
    pairs,
    model,
    tokens: tokens.map(String),
    config: typeof template === 'string' ? { chat_template: template } : {},
  };
}

/** What a model is called: by its header, or else by its file. */
export function ggufName({ path: filePath, config }: Checkpoint): string {
  const { _name_or_path: name } = config;
  return typeof name === 'string' && name !== '' ? name : path.basename(filePath, '.gguf');
}
