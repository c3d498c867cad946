// DeciLM-6B and -7B: num_key_value_heads_per_layer, one number a layer, and all else alike.
// https://huggingface.co/Deci/DeciLM-7B (configuration_decilm.py)
import { CheckpointError } from '../checkpoint-error.js';
import { showValue } from '../show-value.js';
import { checkListLength, count, layerCount, type ReadLayerConfigs } from './layer-config.js';

const FIELD = 'num_key_value_heads_per_layer';

export const readKvHeadsPerLayer: ReadLayerConfigs = (config, configPath) => {
  const list = config[FIELD] ?? null;
  if (list === null) return null;
  if (!Array.isArray(list))
    throw new CheckpointError(configPath, `has ${FIELD} ${showValue(list)}, expected a list`);
  checkListLength(list, FIELD, { nLayer: layerCount(config, configPath), configPath });
  const field = (name: string) => count(config[name], name, configPath);
  const [nHead, nFf] = [field('num_attention_heads'), field('intermediate_size')];
  return list.map((nHeadKv, i) => ({
    nHead,
    nHeadKv: count(nHeadKv, `${FIELD}[${i}]`, configPath),
    nFf,
  }));
};
