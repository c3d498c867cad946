// Every tensor of the GGUF, in file order: where it comes from and what is done to its weights.
// The one place that knows which rows are permuted and what is padded, and both spellings of a name
// (checkpoint/gguf/gguf-names.ts reads llama.cpp's back).
// Chooses no types; types/ does.
import type { LayerWidths, LlamaModel } from './llama-model.js';
import { ropeFrequencyFactors } from './rope.js';

/**
 * What a tensor is for, by which a mixture chooses its type. `norm` stands for all that stays in
 * float32 (norms, biases); a tied token embedding is an `output`.
 */
export type TensorRole =
  | 'token_embd'
  | 'output'
  | 'attn_q'
  | 'attn_k'
  | 'attn_v'
  | 'attn_output'
  | 'ffn_gate'
  | 'ffn_up'
  | 'ffn_down'
  | 'norm';

/** Widths as the file has them: those of the model, some padded with zeros. */
export type StoredWidths = { nEmbd: number; layers: LayerWidths[] };

export type ModelTensor = {
  /** As llama.cpp spells it. */
  name: string;
  role: TensorRole;
  /** Its layer, or null outside of them. */
  layer: number | null;
  /** The Hugging Face name, given values, or zeros for a part that pruning left empty. */
  source: string | Float32Array | null;
  /** A matrix is `[nRows, nCols]`; a vector has `nDims` 1 and lies along its rows or its columns. */
  nRows: number;
  nCols: number;
  nDims: 1 | 2;
  /** Reorder rows within heads of this many rows, from Hugging Face's halves to RoPE's pairs. */
  permuteHeadSize?: number;
  /** Multiply every weight. */
  scale?: number;
};

/** The tensors of `model` as a file with `widths` holds them. */
export function listTensors(model: LlamaModel, widths: StoredWidths): ModelTensor[] {
  const { nEmbd, layers } = widths;
  const tokenRole = model.tiedEmbeddings ? 'output' : 'token_embd';
  return [
    table('token_embd.weight', tokenRole, 'model.embed_tokens.weight', model, nEmbd),
    ...listRopeFactors(model),
    ...layers.flatMap((layer, i) => listLayer(model, nEmbd, layer, i)),
    norm('output_norm.weight', null, 'model.norm.weight', model, nEmbd),
    ...(model.tiedEmbeddings
      ? []
      : [table('output.weight', 'output', 'lm_head.weight', model, nEmbd)]),
  ];
}

function listRopeFactors(model: LlamaModel): ModelTensor[] {
  const factors = ropeFrequencyFactors(model.ropeScaling, model.headSize, model.ropeTheta);
  return factors ? [vector('rope_freqs.weight', null, factors, factors.length)] : [];
}

function table(
  name: string,
  role: TensorRole,
  source: string,
  { nVocab }: LlamaModel,
  nEmbd: number,
): ModelTensor {
  return { name, role, layer: null, source, nRows: nVocab, nCols: nEmbd, nDims: 2 };
}

function listLayer(
  model: LlamaModel,
  nEmbd: number,
  { nHead, nHeadKv, nFf }: LayerWidths,
  i: number,
): ModelTensor[] {
  const layer = new LayerList(model, i);
  if (nHead > 0) {
    // A layer that kept no head but needs one in the file (widths.ts) gets one of zeros.
    const kept = (model.layers[i] as LayerWidths).nHead > 0;
    const qRows = nHead * model.headSize;
    const kvRows = nHeadKv * model.headSize;
    layer.norm('attn_norm', kept ? 'input_layernorm' : null, nEmbd);
    layer.linear('attn_q', kept ? 'self_attn.q_proj' : null, qRows, nEmbd);
    layer.linear('attn_k', kept ? 'self_attn.k_proj' : null, kvRows, nEmbd);
    layer.linear('attn_v', kept ? 'self_attn.v_proj' : null, kvRows, nEmbd);
    layer.linear('attn_output', kept ? 'self_attn.o_proj' : null, nEmbd, qRows);
    if (!kept) layer.bias('attn_output', 'self_attn.o_proj', nEmbd);
  }
  const hasFf = (model.layers[i] as LayerWidths).nFf > 0;
  layer.norm('ffn_norm', hasFf ? 'post_attention_layernorm' : null, nEmbd);
  layer.linear('ffn_gate', hasFf ? 'mlp.gate_proj' : null, nFf, nEmbd);
  layer.linear('ffn_up', hasFf ? 'mlp.up_proj' : null, nFf, nEmbd);
  layer.linear('ffn_down', hasFf ? 'mlp.down_proj' : null, nEmbd, nFf);
  if (!hasFf) layer.bias('ffn_down', 'mlp.down_proj', nEmbd);
  return layer.tensors;
}

/** Collects one layer's tensors under both of their names. */
class LayerList {
  readonly tensors: ModelTensor[] = [];
  readonly #model: LlamaModel;
  readonly #layer: number;

  constructor(model: LlamaModel, layer: number) {
    this.#model = model;
    this.#layer = layer;
  }

  norm(role: string, source: string | null, nEmbd: number): void {
    const weight = source && `${this.#source(source)}.weight`;
    this.tensors.push(norm(this.#name(role, 'weight'), this.#layer, weight, this.#model, nEmbd));
  }

  /** A matrix and, where the checkpoint has one, its bias. `source` null makes a matrix of zeros. */
  linear(role: TensorRole, source: string | null, nRows: number, nCols: number): void {
    this.tensors.push({
      name: this.#name(role, 'weight'),
      role,
      layer: this.#layer,
      source: source && `${this.#source(source)}.weight`,
      nRows,
      nCols,
      nDims: 2,
      ...this.#permutation(role),
    });
    if (source) this.bias(role, source, nRows);
  }

  bias(role: TensorRole, source: string, nRows: number): void {
    const name = `${this.#source(source)}.bias`;
    if (!this.#model.biases.has(name)) return;
    this.tensors.push({
      ...vector(this.#name(role, 'bias'), this.#layer, name, 1),
      nRows,
      ...this.#permutation(role),
    });
  }

  /** llama.cpp rotates neighbours (NORM), transformers the two halves of a head. */
  #permutation(role: TensorRole): Pick<ModelTensor, 'permuteHeadSize'> {
    const isRotated = role === 'attn_q' || role === 'attn_k';
    return isRotated && !this.#model.hasPairedRows ? { permuteHeadSize: this.#model.headSize } : {};
  }

  #name(role: string, part: 'weight' | 'bias'): string {
    return `blk.${this.#layer}.${role}.${part}`;
  }

  #source(name: string): string {
    return `model.layers.${this.#layer}.${name}`;
  }
}

/**
 * A norm over `nEmbd` stored channels of which the model has fewer divides by too small a mean
 * square; this factor and {@link storedNormEps} make up for it exactly.
 */
function norm(
  name: string,
  layer: number | null,
  source: string | null,
  model: LlamaModel,
  nEmbd: number,
): ModelTensor {
  const scale = Math.sqrt(model.nEmbd / nEmbd);
  return { ...vector(name, layer, source, nEmbd), ...(scale !== 1 && { scale }) };
}

/** The epsilon of the norms, for channels padded to `nEmbd`. */
export function storedNormEps(model: LlamaModel, nEmbd: number): number {
  return (model.rmsNormEps * model.nEmbd) / nEmbd;
}

function vector(
  name: string,
  layer: number | null,
  source: ModelTensor['source'],
  nCols: number,
): ModelTensor {
  return { name, role: 'norm', layer, source, nRows: 1, nCols, nDims: 1 };
}
