// The pairs of a GGUF that say what the network computes: widths, RoPE, epsilon, context.
// Where layers differ, arrays of exactly one INT32 a layer, as llama.cpp's deci reads them.
// Names and provenance are in provenance.ts, the vocabulary in tokenizer/.
import {
  float32Entry,
  type GgufMetadata,
  stringEntry,
  uint32Entry,
} from '../gguf/gguf-metadata.js';
import { architectureOf, type LayerWidths, type LlamaModel } from './llama-model.js';
import { type StoredWidths, storedNormEps } from './tensor-list.js';

/**
 * Hyperparameters of `model` as stored with `widths`, by the keys of the GGUF specification
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
 */
export function modelMetadata(model: LlamaModel, widths: StoredWidths): GgufMetadata {
  const arch = architectureOf(widths.layers);
  const perLayer = (pick: (layer: LayerWidths) => number) =>
    arch === 'llama'
      ? uint32Entry(pick(widths.layers[0] as LayerWidths))
      : ({ type: 'ARRAY', of: 'INT32', value: widths.layers.map(pick) } as const);
  return {
    [`${arch}.block_count`]: uint32Entry(widths.layers.length),
    [`${arch}.context_length`]: uint32Entry(model.nCtxTrain),
    [`${arch}.embedding_length`]: uint32Entry(widths.nEmbd),
    [`${arch}.feed_forward_length`]: perLayer(({ nFf }) => nFf),
    [`${arch}.attention.head_count`]: perLayer(({ nHead }) => nHead),
    [`${arch}.attention.head_count_kv`]: perLayer(({ nHeadKv }) => nHeadKv),
    [`${arch}.attention.layer_norm_rms_epsilon`]: float32Entry(storedNormEps(model, widths.nEmbd)),
    // llama.cpp derives these from the hidden size otherwise, which pruning and padding change.
    [`${arch}.attention.key_length`]: uint32Entry(model.headSize),
    [`${arch}.attention.value_length`]: uint32Entry(model.headSize),
    [`${arch}.rope.dimension_count`]: uint32Entry(model.headSize),
    [`${arch}.rope.freq_base`]: float32Entry(model.ropeTheta),
    ...ropeScalingPairs(model, arch),
    [`${arch}.vocab_size`]: uint32Entry(model.nVocab),
  };
}

/** llama3's factors are a tensor; only linear scaling is said in pairs. */
function ropeScalingPairs({ ropeScaling }: LlamaModel, arch: string): GgufMetadata {
  if (ropeScaling.kind !== 'linear') return {};
  return {
    [`${arch}.rope.scaling.type`]: stringEntry('linear'),
    [`${arch}.rope.scaling.factor`]: float32Entry(ropeScaling.factor),
  };
}
