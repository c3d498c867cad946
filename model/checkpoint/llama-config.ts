// Refuses configs that describe another architecture than the one hearth converts: Llama, also under the
// names of models that are Llamas with widths of their own in each layer.
// Only fields that change the computation are looked at; widths are read from the tensors.
// Does not know llama.cpp; what its architecture cannot express the converter refuses.
import { CheckpointError } from './checkpoint-error.js';
import { showValue } from './show-value.js';

/** Throws {@link CheckpointError} unless the config describes a Llama. */
export function checkConfig(config: Record<string, unknown>, filePath: string): void {
  const { hidden_act: activation, sliding_window: window } = config;
  const modelType = modelTypeOf(config);
  const isMistral = modelType === 'mistral' && window === null;
  if (!LLAMAS.includes(modelType) && !isMistral)
    throw new CheckpointError(
      filePath,
      `has model_type ${showValue(modelType)}; hearth converts "llama" (and "mistral" where sliding_window is null), ${DECI.map(showValue).join(', ')}; "qwen2" and "qwen3", which are most alike, would be next`,
    );
  const { position_embedding_type: position } = config;
  if ((position ?? 'rope') !== 'rope')
    throw new CheckpointError(
      filePath,
      `has position_embedding_type ${showValue(position)}, expected "rope"`,
    );
  if ((activation ?? 'silu') !== 'silu')
    throw new CheckpointError(filePath, `has hidden_act ${showValue(activation)}, expected "silu"`);
  if (config['quantization_config'])
    throw new CheckpointError(
      filePath,
      'is quantised already (quantization_config); pass the model in half precision',
    );
}

/** DeciLM and NVIDIA's Nemotron-NAS: a Llama but for widths that differ from layer to layer. */
const DECI: readonly unknown[] = ['deci', 'deci_lm', 'nemotron-nas'];
const LLAMAS: readonly unknown[] = ['llama', ...DECI];

/** Whether the config is of a DeciLM or Nemotron-NAS model. */
export function isDeci(config: Record<string, unknown>): boolean {
  return DECI.includes(modelTypeOf(config));
}

/** DeciLM-6B has none, but the name of its class. */
function modelTypeOf({ model_type: modelType, architectures }: Record<string, unknown>): unknown {
  const isDeciLm = Array.isArray(architectures) && architectures[0] === 'DeciLMForCausalLM';
  return modelType === undefined && isDeciLm ? 'deci_lm' : modelType;
}
