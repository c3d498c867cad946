// The names of a Llama's weights as llama.cpp spells them, back in Hugging Face's spelling.
// What convert writes under which name is shape/tensor-list.ts's to say; a test holds both together.
// A name that is neither is refused: it would be a part that the converted model lacks.
import { CheckpointError } from '../checkpoint-error.js';
import { showValue } from '../show-value.js';

const OUTSIDE_LAYERS: Readonly<Record<string, string>> = {
  'token_embd.weight': 'model.embed_tokens.weight',
  'output_norm.weight': 'model.norm.weight',
  'output.weight': 'lm_head.weight',
};

const INSIDE_LAYER: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

const LAYER_TENSOR = /^blk\.(0|[1-9]\d{0,3})\.([a-z_]+)\.(weight|bias)$/;
/** Frequencies that a model computes itself, as the first converters stored them. */
const NOT_A_WEIGHT = /^blk\.\d{1,4}\.attn_rot_embd\.weight$/;

/** By what a GGUF's config tells of RoPE; no weight, so that it is not counted as one. */
export const ROPE_FACTORS = 'rope_freqs.weight';

/** Hugging Face's name; null for what is no weight. Throws {@link CheckpointError} for any other. */
export function huggingFaceName(name: string, filePath: string): string | null {
  if (Object.hasOwn(OUTSIDE_LAYERS, name)) return OUTSIDE_LAYERS[name] as string;
  const [, layer, role = '', part] = LAYER_TENSOR.exec(name) ?? [];
  if (Object.hasOwn(INSIDE_LAYER, role))
    return `model.layers.${layer}.${INSIDE_LAYER[role]}.${part}`;
  if (name === ROPE_FACTORS || NOT_A_WEIGHT.test(name)) return null;
  throw new CheckpointError(
    filePath,
    `${showValue(name)} is not a weight of a Llama model; hearth converts plain Llama models`,
  );
}
