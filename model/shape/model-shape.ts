// What memory and speed depend on: the widths of a model, layer by layer.
// Pruned models differ from layer to layer, so every per-layer width is an array.
// Holds no weights and opens no files.
import { type GgufFile, GgufFileError, type GgufValue } from '../gguf/gguf-file.js';

/** The widths of a Llama-shaped model. Arrays have one element a layer. */
export type ModelShape = {
  name: string;
  /** `general.architecture`: `llama` where all layers are alike, else `deci`. */
  arch: 'llama' | 'deci';
  nLayer: number;
  /** Hidden size, as stored (a padded channel-wise model counts its padding). */
  nEmbd: number;
  nVocab: number;
  /** Attention heads of each layer. */
  nHead: number[];
  /** Key-value heads of each layer. */
  nHeadKv: number[];
  /** Feed-forward width of each layer, as stored. */
  nFf: number[];
  /** Rows of one head; the same in every layer. */
  headSize: number;
  /** Longest context the model was trained for. */
  nCtxTrain: number;
  /** The output projection is the token embedding. */
  tiedEmbeddings: boolean;
  /** Weights without padding. */
  nParams: number;
};

/** What a model of any architecture is known by. */
export type ModelWidths = Pick<
  ModelShape,
  'name' | 'nLayer' | 'nEmbd' | 'nVocab' | 'nHead' | 'nHeadKv' | 'nFf' | 'nParams'
> & { arch: string };

/** The widths of a model as far as its header tells: elsewhere 0, and no element of an array. */
export function widthsOfGguf(file: GgufFile): ModelWidths {
  const arch = told(() => text(file, 'general.architecture'), 'unknown');
  const nLayer = told(() => layerCount(file, `${arch}.block_count`), 0);
  const layers = (key: string) => told(() => perLayer(file, `${arch}.${key}`, nLayer), []);
  const nHead = layers('attention.head_count');
  const nHeadKv = layers('attention.head_count_kv');
  return {
    name: told(() => textOr(file, 'general.name', ''), ''),
    arch,
    nLayer,
    nEmbd: told(() => count(file, `${arch}.embedding_length`), 0),
    nVocab: told(() => vocabularySize(file), 0),
    nHead,
    nHeadKv: nHeadKv.length > 0 ? nHeadKv : nHead,
    nFf: layers('feed_forward_length'),
    nParams: told(() => parameterCount(file), 0),
  };
}

/** What the header tells, or else `nothing`. */
function told<Value>(read: () => Value, nothing: Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof GgufFileError) return nothing;
    throw error;
  }
}

/**
 * The widths of a model from its GGUF header. Only `llama` and `deci` are known here.
 * Throws {@link GgufFileError} naming the key that is missing or has the wrong form.
 */
export function shapeOfGguf(file: GgufFile): ModelShape {
  const arch = text(file, 'general.architecture');
  if (arch !== 'llama' && arch !== 'deci')
    throw new GgufFileError(
      `${file.path} is a "${arch}" model; expected llama or deci (qwen2 and qwen3, which are most alike, would be next)`,
    );
  const nLayer = layerCount(file, `${arch}.block_count`);
  const nEmbd = count(file, `${arch}.embedding_length`);
  const nHead = perLayer(file, `${arch}.attention.head_count`, nLayer);
  const kvKey = `${arch}.attention.head_count_kv`;
  return {
    name: textOr(file, 'general.name', ''),
    arch,
    nLayer,
    nEmbd,
    nVocab: vocabularySize(file),
    nHead,
    nHeadKv: kvKey in file.metadata ? perLayer(file, kvKey, nLayer) : nHead,
    nFf: perLayer(file, `${arch}.feed_forward_length`, nLayer),
    headSize: headSize(file, arch, nEmbd, nHead),
    nCtxTrain: count(file, `${arch}.context_length`),
    tiedEmbeddings: !file.tensors.some((tensor) => tensor.name === 'output.weight'),
    nParams: parameterCount(file),
  };
}

/** Bounded by the tensors, so that arrays of this length are safe to make. */
function layerCount(file: GgufFile, key: string): number {
  const nLayer = count(file, key);
  if (nLayer > 0 && nLayer <= file.tensors.length) return nLayer;
  throw new GgufFileError(
    `${file.path}: ${key} is ${nLayer}, but the file has ${file.tensors.length} tensors`,
  );
}

/** The converter says how many weights are no padding; other files have none. */
function parameterCount(file: GgufFile): number {
  const key = 'hearth.parameter_count';
  if (key in file.metadata) return count(file, key);
  return file.tensors.reduce((sum, tensor) => sum + elements(tensor.shape), 0);
}

function vocabularySize(file: GgufFile): number {
  const embedding = file.tensors.find((tensor) => tensor.name === 'token_embd.weight');
  if (!embedding?.shape[1]) throw new GgufFileError(`${file.path} has no token_embd.weight`);
  return embedding.shape[1];
}

function headSize(file: GgufFile, arch: string, nEmbd: number, nHead: number[]): number {
  const key = `${arch}.attention.key_length`;
  return key in file.metadata ? count(file, key) : nEmbd / Math.max(1, ...nHead);
}

function perLayer(file: GgufFile, key: string, nLayer: number): number[] {
  const value = file.metadata[key];
  const widths = Array.isArray(value) ? value : Array<GgufValue | undefined>(nLayer).fill(value);
  if (widths.length !== nLayer)
    throw new GgufFileError(
      `${file.path}: ${key} has ${widths.length} elements, but the model has ${nLayer} layers`,
    );
  return widths.map((width) => wholeNumber(file, key, width));
}

function count(file: GgufFile, key: string): number {
  return wholeNumber(file, key, file.metadata[key]);
}

function wholeNumber(file: GgufFile, key: string, value: GgufValue | undefined): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw new GgufFileError(
    `${file.path}: ${key} is ${value === undefined ? 'missing' : String(value)}; expected a whole number`,
  );
}

function text(file: GgufFile, key: string): string {
  const value = file.metadata[key];
  if (typeof value !== 'string') throw new GgufFileError(`${file.path}: ${key} is missing`);
  return value;
}

function textOr(file: GgufFile, key: string, fallback: string): string {
  return key in file.metadata ? text(file, key) : fallback;
}

function elements(shape: number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
