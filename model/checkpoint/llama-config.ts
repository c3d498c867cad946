// Refuses configs that describe another architecture than the one hearth converts.
// Only fields that change the computation are looked at; widths are read from the tensors.
// Does not know llama.cpp; what its architecture cannot express the converter refuses.
import { CheckpointError } from './checkpoint-error.js';
import { showValue } from './show-value.js';

/** Throws {@link CheckpointError} unless the config describes a Llama. */
export function checkConfig(config: Record<string, unknown>, filePath: string): void {
  const { model_type: modelType, hidden_act: activation, sliding_window: window } = config;
  const isMistral = modelType === 'mistral' && window === null;
  if (modelType !== 'llama' && !isMistral)
    throw new CheckpointError(
      filePath,
      `has model_type ${showValue(modelType)}; hearth converts "llama" (and "mistral" where sliding_window is null)`,
    );
  if ((activation ?? 'silu') !== 'silu')
    throw new CheckpointError(filePath, `has hidden_act ${showValue(activation)}, expected "silu"`);
  if (config['quantization_config'])
    throw new CheckpointError(
      filePath,
      'is quantised already (quantization_config); pass the model in half precision',
    );
}
