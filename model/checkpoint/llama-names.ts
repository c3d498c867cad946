// The names of a Llama's weights in Hugging Face's spelling, and what may lie beside them.
// A name that is neither is refused: it would be a part that the converted model lacks.
// Shapes are structure.ts's business.
import { CheckpointError } from './checkpoint-error.js';
import { showValue } from './show-value.js';

export const ATTENTION = ['q_proj', 'k_proj', 'v_proj', 'o_proj'] as const;
export const FEED_FORWARD = ['gate_proj', 'up_proj', 'down_proj'] as const;
export const LAYER_WEIGHT = /^model\.layers\.(0|[1-9]\d{0,3})\.(.+)$/;

const OUTSIDE_LAYERS = new Set([
  'model.embed_tokens.weight',
  'model.norm.weight',
  'lm_head.weight',
]);
const INSIDE_LAYER =
  /^(self_attn\.[qkvo]_proj\.(weight|bias)|mlp\.(gate|up|down)_proj\.(weight|bias)|(input|post_attention)_layernorm\.weight)$/;
/** Longer than any weight's name; the patterns below see no longer ones. */
export const MAX_NAME_LENGTH = 256;
/** Tables that a model computes again, and gradients that LLM-Pruner left behind. */
const NOT_A_WEIGHT = /(^|\.)(rotary_emb\..*|inv_freq|cos_cached|sin_cached|acc_grad|masked_bias)$/;

/** What other compressors put into a Llama that no Llama of llama.cpp's has. */
const FOREIGN_PARTS: readonly [name: RegExp, problem: string][] = [
  [
    /\.(attn|mlp)_shortcut_Q$/,
    "is one of SliceGPT's rotations between layers, which llama.cpp has no place for; prune the original model by heads and channels instead, with hearth prune or LLM-Pruner",
  ],
  [
    /\.linear_(attn|mlp)\./,
    'is a linear layer in the place of attention or feed-forward, which is not a Llama any more; hearth converts models that leave such parts out (no_op) or keep them',
  ],
];

/**
 * Whether `name` is a weight; false for what a model computes itself.
 * Throws {@link CheckpointError} for any other name.
 */
export function isLlamaWeight(name: string, filePath: string): boolean {
  if (name.length > MAX_NAME_LENGTH)
    throw new CheckpointError(filePath, `${showValue(name)} is too long for a name`);
  const inLayer = LAYER_WEIGHT.exec(name)?.[2];
  if (OUTSIDE_LAYERS.has(name) || (inLayer && INSIDE_LAYER.test(inLayer))) return true;
  if (NOT_A_WEIGHT.test(name)) return false;
  for (const [part, problem] of FOREIGN_PARTS)
    if (part.test(name)) throw new CheckpointError(filePath, `${showValue(name)} ${problem}`);
  throw new CheckpointError(
    filePath,
    `${showValue(name)} is not a weight of a Llama model; hearth converts plain Llama models, neither quantised nor with adapters still attached`,
  );
}
