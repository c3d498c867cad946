// What a GGUF's header says of a Llama, in the words of Hugging Face's config.json, which the rest of
// the converter reads. What would be computed differently is refused by its key, never passed over.
// Widths are read from the tensors, and must be those that the header promises.
import { type GgufFile, GgufFileError, type GgufValue } from '../../gguf/gguf-file.js';
import type { ModelShape } from '../../shape/model-shape.js';
import { CheckpointError } from '../checkpoint-error.js';
import { showValue } from '../show-value.js';

/** Throws {@link CheckpointError} unless the header is of a Llama that convert can write again. */
export function ggufConfig(file: GgufFile, shape: ModelShape): Record<string, unknown> {
  checkArithmetic(file, shape);
  checkWidths(file, shape);
  const { metadata } = file;
  const key = (name: string) => metadata[`${shape.arch}.${name}`];
  const factor = linearFactor(file, shape);
  return {
    model_type: 'llama',
    _name_or_path: shape.name,
    num_hidden_layers: shape.nLayer,
    hidden_size: shape.nEmbd,
    vocab_size: shape.nVocab,
    head_dim: shape.headSize,
    max_position_embeddings: shape.nCtxTrain,
    rms_norm_eps: normEpsilon(file, shape),
    rope_theta: key('rope.freq_base') ?? DEFAULT_THETA,
    ...(factor !== null && { rope_scaling: { rope_type: 'linear', factor } }),
    tie_word_embeddings: shape.tiedEmbeddings,
    // Where layers differ no single width was the unpruned model's.
    ...(shape.arch === 'llama' && {
      num_attention_heads: shape.nHead[0],
      num_key_value_heads: shape.nHeadKv[0],
      intermediate_size: shape.nFf[0],
    }),
  };
}

/** `general.sampling.*` as generation_config.json names them. */
export function ggufSampling({ metadata }: GgufFile): Record<string, unknown> {
  const { temp, ...others } = Object.fromEntries(
    ['top_k', 'top_p', 'min_p', 'temp'].map((name) => [name, metadata[`general.sampling.${name}`]]),
  );
  return { ...others, temperature: temp };
}

/** llama.cpp's, where the key is missing. */
const DEFAULT_THETA = 10000;

/** Without one, config.json's default would be taken, which is not llama.cpp's. */
function normEpsilon({ path, metadata }: GgufFile, { arch }: ModelShape): GgufValue {
  const epsilon = metadata[`${arch}.attention.layer_norm_rms_epsilon`];
  if (epsilon !== undefined) return epsilon;
  throw new CheckpointError(
    path,
    `has no ${arch}.attention.layer_norm_rms_epsilon; hearth converts plain Llama models`,
  );
}

/** Keys of models under the name `llama` that compute something else, and what they have to be. */
const MUST_BE: Readonly<Record<string, readonly (GgufValue | undefined)[]>> = {
  expert_count: [undefined, 0],
  'attention.sliding_window': [undefined, 0],
  'attention.causal': [undefined, true],
  'attention.clamp_kqv': [undefined, 0],
  'attention.scale': [undefined, 0],
  'rope.scaling.type': [undefined, 'none', 'linear'],
  'rope.scaling.attn_factor': [undefined, 1],
  logit_scale: [undefined, 0],
  residual_scale: [undefined, 0],
  embedding_scale: [undefined, 0],
};

function checkArithmetic({ path, metadata }: GgufFile, { arch, headSize }: ModelShape): void {
  const ofHeads = ['attention.key_length', 'attention.value_length', 'rope.dimension_count'];
  const heads = Object.fromEntries(ofHeads.map((key) => [key, [undefined, headSize]]));
  const rules: typeof MUST_BE = { ...MUST_BE, ...heads };
  for (const [key, allowed] of Object.entries(rules)) {
    const value = metadata[`${arch}.${key}`];
    if (allowed.includes(value)) continue;
    throw new CheckpointError(
      path,
      `has ${arch}.${key} ${showValue(value)}, expected ${allowed.map((one) => one ?? 'no such key').join(' or ')}; hearth converts plain Llama models`,
    );
  }
  if (Number(metadata['split.count'] ?? 1) > 1)
    throw new CheckpointError(
      path,
      'is one part of a split model; join the parts with llama-gguf-split --merge',
    );
}

/** Null where positions are not scaled. llama.cpp takes scaling without a type for linear. */
function linearFactor({ metadata }: GgufFile, { arch }: ModelShape): GgufValue | null {
  const key = (name: string) => metadata[`${arch}.${name}`];
  const factor = key('rope.scaling.factor') ?? key('rope.scale_linear') ?? 1;
  const isScaled = key('rope.scaling.type') !== 'none' && factor !== 0 && factor !== 1;
  return isScaled ? factor : null;
}

/** Rows of q, k and gate of every layer. */
function checkWidths(file: GgufFile, shape: ModelShape): void {
  const rows = new Map(file.tensors.map((tensor) => [tensor.name, tensor.shape[1] ?? 0]));
  const expect = (name: string, expected: number) => {
    const found = rows.get(name) ?? 0;
    if (found === expected) return;
    throw new GgufFileError(
      `${file.path}: ${name} has ${found} rows, but the header promises ${expected}; the file is damaged`,
    );
  };
  for (let i = 0; i < shape.nLayer; i++) {
    expect(`blk.${i}.attn_q.weight`, (shape.nHead[i] ?? 0) * shape.headSize);
    expect(`blk.${i}.attn_k.weight`, (shape.nHeadKv[i] ?? 0) * shape.headSize);
    expect(`blk.${i}.ffn_gate.weight`, shape.nFf[i] ?? 0);
  }
}
