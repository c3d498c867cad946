// What a checkpoint's Llama is, read from its tensors: widths layer by layer, and what the config
// alone knows (RoPE, epsilon, context). LLM-Pruner leaves the unpruned widths in the config, so
// no width comes from there. Says nothing about GGUF.
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { CheckpointError } from '../checkpoint/checkpoint-error.js';
import { findHeadSize } from '../checkpoint/structure.js';
import { type RopeScaling, readRopeScaling, readRopeTheta } from './rope.js';

/** One layer's widths. A pruned layer may have no heads and no channels left. */
export type LayerWidths = { nHead: number; nHeadKv: number; nFf: number };

export type LlamaModel = {
  nEmbd: number;
  nVocab: number;
  headSize: number;
  layers: LayerWidths[];
  /** The biases that there are, by their Hugging Face names; a plain Llama has none. */
  biases: ReadonlySet<string>;
  tiedEmbeddings: boolean;
  nCtxTrain: number;
  rmsNormEps: number;
  ropeTheta: number;
  ropeScaling: RopeScaling;
  /** Rows of q and k lie in RoPE's pairs already, as a GGUF has them, not in a head's halves. */
  hasPairedRows?: boolean;
  /** Weights of the checkpoint, a tied output projection counted once. */
  nParams: number;
};

/** transformers' LlamaConfig defaults, which its older versions leave out of a saved config. */
const DEFAULT_RMS_NORM_EPS = 1e-6;
const DEFAULT_CONTEXT = 2048;

/** The Llama in a checkpoint. Throws {@link CheckpointError} for what llama.cpp cannot compute. */
export function describeLlama(checkpoint: Checkpoint): LlamaModel {
  const { config, tensors, ropeFactors } = checkpoint;
  const [nVocab, nEmbd] = matrixShape(checkpoint, 'model.embed_tokens.weight');
  const headSize = findHeadSize(checkpoint);
  return {
    nEmbd,
    nVocab,
    headSize,
    layers: describeLayers(checkpoint, headSize),
    biases: new Set([...tensors.keys()].filter((name) => name.endsWith('.bias'))),
    tiedEmbeddings: checkpoint.tiedEmbeddings,
    nCtxTrain: positive(checkpoint, 'max_position_embeddings', DEFAULT_CONTEXT),
    rmsNormEps: positive(checkpoint, 'rms_norm_eps', DEFAULT_RMS_NORM_EPS),
    ropeTheta: readRopeTheta(config, checkpoint.path),
    ropeScaling: ropeFactors
      ? { kind: 'factors', factors: ropeFactors }
      : readRopeScaling(config, checkpoint.path),
    ...(checkpoint.kind === 'gguf' && { hasPairedRows: true }),
    nParams: [...tensors.values()].reduce((sum, { shape }) => sum + product(shape), 0),
  };
}

/** `llama` sizes every layer from layer 0; `deci` takes one width a layer and is otherwise alike. */
export function architectureOf(layers: readonly LayerWidths[]): 'llama' | 'deci' {
  const [first] = layers;
  const isAlike = (layer: LayerWidths) =>
    layer.nHead === first?.nHead && layer.nHeadKv === first.nHeadKv && layer.nFf === first.nFf;
  return layers.every(isAlike) ? 'llama' : 'deci';
}

function describeLayers(checkpoint: Checkpoint, headSize: number): LayerWidths[] {
  const layers: LayerWidths[] = [];
  while (checkpoint.tensors.has(`model.layers.${layers.length}.mlp.gate_proj.weight`))
    layers.push(describeLayer(checkpoint, `model.layers.${layers.length}`, headSize));
  return layers;
}

function describeLayer(checkpoint: Checkpoint, layer: string, headSize: number): LayerWidths {
  const rows = (name: string) =>
    checkpoint.tensors.has(`${layer}.${name}`) ? matrixShape(checkpoint, `${layer}.${name}`)[0] : 0;
  return {
    nHead: rows('self_attn.q_proj.weight') / headSize,
    nHeadKv: rows('self_attn.k_proj.weight') / headSize,
    nFf: rows('mlp.gate_proj.weight'),
  };
}

/** `[rows, columns]`; that the tensor is there and a matrix was checked when it was opened. */
function matrixShape({ tensors, path }: Checkpoint, name: string): [number, number] {
  const shape = tensors.get(name)?.shape;
  if (shape?.length !== 2) throw new CheckpointError(path, `${name} is missing or no matrix`);
  return shape as [number, number];
}

function positive({ config, path }: Checkpoint, field: string, fallback: number): number {
  const value = config[field] ?? fallback;
  if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
  throw new CheckpointError(path, `its config has ${field} ${JSON.stringify(value)}`);
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}
