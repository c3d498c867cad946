// The models that people prune, by the names they call them: what their config.json says of widths,
// so that a plan needs no download. Source of each: the config.json at `source` on Hugging Face.

type NamedShape = {
  name: string;
  /** On Hugging Face. */
  source: string;
  /** Of its config.json, the fields that a plan depends on. */
  config: Record<string, unknown>;
  /**
   * Tokenizer and names in the header of a GGUF: what published Q4_K_M files of the model
   * (TheBloke's of Llama 2, bartowski's of Llama 3) have beyond their tensors and widths.
   */
  tokenizerBytes: number;
};

const LLAMA_2_TOKENIZER_BYTES = 723_232;
const LLAMA_3_TOKENIZER_BYTES = 7_820_000;

const LLAMA_2_7B = {
  model_type: 'llama',
  hidden_size: 4096,
  intermediate_size: 11008,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  vocab_size: 32000,
  max_position_embeddings: 4096,
  rms_norm_eps: 1e-5,
};

export const SHAPES = {
  'llama-2-7b': {
    name: 'Llama-2-7B',
    source: 'meta-llama/Llama-2-7b-hf',
    config: LLAMA_2_7B,
    tokenizerBytes: LLAMA_2_TOKENIZER_BYTES,
  },
  'llama-2-13b': {
    name: 'Llama-2-13B',
    source: 'meta-llama/Llama-2-13b-hf',
    config: {
      ...LLAMA_2_7B,
      hidden_size: 5120,
      intermediate_size: 13824,
      num_hidden_layers: 40,
      num_attention_heads: 40,
      num_key_value_heads: 40,
    },
    tokenizerBytes: LLAMA_2_TOKENIZER_BYTES,
  },
  'llama-3-8b': {
    name: 'Llama-3-8B',
    source: 'meta-llama/Meta-Llama-3-8B',
    config: {
      ...LLAMA_2_7B,
      intermediate_size: 14336,
      num_key_value_heads: 8,
      vocab_size: 128256,
      max_position_embeddings: 8192,
      rope_theta: 500000,
    },
    tokenizerBytes: LLAMA_3_TOKENIZER_BYTES,
  },
  'vicuna-7b': {
    name: 'Vicuna-7B',
    source: 'lmsys/vicuna-7b-v1.5',
    config: LLAMA_2_7B,
    tokenizerBytes: LLAMA_2_TOKENIZER_BYTES,
  },
} as const satisfies Record<string, NamedShape>;

export type ShapeName = keyof typeof SHAPES;

export const SHAPE_NAMES = Object.keys(SHAPES) as ShapeName[];
