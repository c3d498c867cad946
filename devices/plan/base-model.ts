// The unpruned model that a plan starts from: a config.json, its folder, or a name that people use.
// A config is enough, because nothing of a plan depends on a weight; the tokenizer, where it lies
// beside the config, tells the size of the file's header. Opens no weights.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { CheckpointError } from '../../model/checkpoint/checkpoint-error.js';
import { checkConfig } from '../../model/checkpoint/llama-config.js';
import { readJsonFile } from '../../model/checkpoint/source-file.js';
import { findHeadSize } from '../../model/checkpoint/structure.js';
import { isCount } from '../../model/checkpoint/tensor-source.js';
import { readTokenizerFiles } from '../../model/checkpoint/tokenizer-folder.js';
import { layOutGguf } from '../../model/gguf/gguf-header.js';
import type { LlamaModel } from '../../model/shape/llama-model.js';
import { readRopeScaling, readRopeTheta } from '../../model/shape/rope.js';
import { tokenizerMetadata } from '../../model/tokenizer/tokenizer-metadata.js';
import { countParameters } from './block-pruning.js';
import { SHAPE_NAMES, SHAPES, type ShapeName } from './named-shapes.js';

export type BaseModel = {
  name: string;
  /** As the scripts of LLM-Pruner take it after --base_model: a folder, or its name on Hugging Face. */
  source: string;
  isDownloaded: boolean;
  model: LlamaModel;
  /** Of the tokenizer in a GGUF. */
  tokenizerBytes: number;
  /** The published model that it is, or one of the same widths; null for any other. */
  shape: ShapeName | null;
};

/** Reads BASE. Throws {@link CheckpointError} for what is not a name, a folder or a config. */
export async function readBaseModel(base: string): Promise<BaseModel> {
  if (isShapeName(base)) return namedBase(base);
  const configPath = await findConfig(base);
  const config = await readJsonFile(configPath);
  checkConfig(config, configPath);
  const model = denseModel(config, configPath);
  const folder = path.dirname(path.resolve(configPath));
  return {
    name: path.basename(folder),
    source: path.dirname(configPath),
    isDownloaded: true,
    model,
    tokenizerBytes: await readTokenizerBytes(folder, config, model.nVocab),
    shape: SHAPE_NAMES.find((name) => isAlike(model, namedBase(name).model)) ?? null,
  };
}

function isShapeName(base: string): base is ShapeName {
  return Object.hasOwn(SHAPES, base);
}

function namedBase(shape: ShapeName): BaseModel {
  const { name, source, config, tokenizerBytes } = SHAPES[shape];
  return {
    name,
    source,
    isDownloaded: false,
    shape,
    tokenizerBytes,
    model: denseModel(config, shape),
  };
}

async function findConfig(base: string): Promise<string> {
  const stats = await stat(base).catch((cause: NodeJS.ErrnoException) => {
    throw new CheckpointError(
      base,
      `is neither a file nor a name that hearth knows; pass a Hugging Face folder, its config.json, or one of ${SHAPE_NAMES.join(', ')}`,
      { cause },
    );
  });
  if (!stats.isDirectory()) return base;
  const configPath = path.join(base, 'config.json');
  if (await stat(configPath).catch(() => null)) return configPath;
  throw new CheckpointError(
    base,
    'has no config.json; a plan starts from the unpruned model, as transformers saves it',
  );
}

/** The Llama that a config describes, as it is before pruning. */
function denseModel(config: Record<string, unknown>, configPath: string): LlamaModel {
  const width = (field: string, fallback?: unknown) => {
    const value = config[field] ?? fallback;
    if (isCount(value) && value > 0) return value;
    throw new CheckpointError(configPath, `has ${field} ${JSON.stringify(value)}`);
  };
  const bias = ['attention_bias', 'mlp_bias'].find((name) => config[name] === true);
  if (bias !== undefined)
    throw new CheckpointError(configPath, `has ${bias} true; a plan knows Llamas without biases`);
  const { head_dim: headDim } = config;
  const headSize = isCount(headDim) ? headDim : null;
  const nHead = width('num_attention_heads');
  const layer = {
    nHead,
    nHeadKv: width('num_key_value_heads', nHead),
    nFf: width('intermediate_size'),
  };
  const model = {
    nEmbd: width('hidden_size'),
    nVocab: width('vocab_size'),
    headSize: findHeadSize({ path: configPath, config, headSize }),
    layers: Array.from({ length: width('num_hidden_layers') }, () => layer),
    biases: new Set<string>(),
    tiedEmbeddings: config['tie_word_embeddings'] === true,
    nCtxTrain: width('max_position_embeddings', 2048),
    rmsNormEps: Number(config['rms_norm_eps'] ?? 1e-6),
    ropeTheta: readRopeTheta(config, configPath),
    ropeScaling: readRopeScaling(config, configPath),
  };
  return { ...model, nParams: countParameters(model) };
}

async function readTokenizerBytes(
  folder: string,
  config: Record<string, unknown>,
  nVocab: number,
): Promise<number> {
  const found = await readTokenizerFiles(folder);
  // Llama-2's takes 23 bytes a token: text, score and kind; Llama-3's, with its merges, 61.
  if (!found) return nVocab * (nVocab > MAX_SENTENCEPIECE_VOCABULARY ? 61 : 23);
  const { metadata } = tokenizerMetadata(found.tokenizer, {
    nVocab,
    config,
    generationConfig: null,
    filePath: folder,
  });
  return layOutGguf(metadata, []).fileBytes;
}

const MAX_SENTENCEPIECE_VOCABULARY = 65_536;

function isAlike(a: LlamaModel, b: LlamaModel): boolean {
  const widths = ({ nEmbd, nVocab, layers }: LlamaModel) =>
    JSON.stringify([nEmbd, nVocab, layers.length, layers[0]]);
  return widths(a) === widths(b);
}
