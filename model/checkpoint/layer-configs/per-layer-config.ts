// transformers' per_layer_config: by the number of a layer, what it has other than the config says.
// Only widths and whole parts left out can differ in llama.cpp's deci; all else is refused by name.
// https://github.com/huggingface/transformers/blob/main/docs/source/en/heterogeneous_configurations.md
import { isJsonObject } from '../bounded-json.js';
import { CheckpointError } from '../checkpoint-error.js';
import { showValue } from '../show-value.js';
import { count, type LayerConfig, layerCount, type ReadLayerConfigs } from './layer-config.js';

const FIELD = 'per_layer_config';
const WIDTHS = ['num_attention_heads', 'num_key_value_heads', 'intermediate_size'];
const PARTS = ['attention', 'mlp'];

export const readPerLayerConfig: ReadLayerConfigs = (config, configPath) => {
  const stored = config[FIELD] ?? {};
  if (!isJsonObject(stored))
    throw new CheckpointError(configPath, `has ${FIELD} ${showValue(stored)}, expected an object`);
  if (Object.keys(stored).length === 0) return null;
  const overrides = byLayer(stored, layerCount(config, configPath), configPath);
  return overrides.map((override, i) => {
    const where = `${FIELD}["${i}"]`;
    checkOverride(override, config, { where, configPath });
    return layerConfig(override, config, { where, configPath });
  });
};

type Override = Record<string, unknown>;
type Place = { where: string; configPath: string };

/** transformers fills numbers up with zeros, so that they sort: "07" is layer 7. */
function byLayer(stored: Override, nLayer: number, configPath: string): Override[] {
  const overrides = Array.from({ length: nLayer }, (): Override | null => null);
  for (const [key, override] of Object.entries(stored)) {
    const layer = /^\d{1,6}$/.test(key) ? Number(key) : nLayer;
    if (layer >= nLayer || overrides[layer] || !isJsonObject(override))
      throw new CheckpointError(
        configPath,
        `has ${FIELD}[${showValue(key)}] ${showValue(override)}; expected one object for a layer from 0 to ${nLayer - 1}`,
      );
    overrides[layer] = override;
  }
  return overrides.map((override) => override ?? {});
}

/** An override that repeats what holds for all layers changes nothing, whatever it is. */
function checkOverride(override: Override, config: Override, { where, configPath }: Place): void {
  for (const [name, value] of Object.entries(override)) {
    if (name === 'skip' || WIDTHS.includes(name)) continue;
    if (JSON.stringify(value) === JSON.stringify(config[name] ?? null)) continue;
    throw new CheckpointError(
      configPath,
      `has ${where}.${name} ${showValue(value)}, which llama.cpp has one of for all layers; of a single layer it takes ${WIDTHS.join(', ')} and skip`,
    );
  }
}

function layerConfig(override: Override, config: Override, place: Place): LayerConfig {
  const { where, configPath } = place;
  const skip = readSkip(override['skip'], place);
  const width = (name: string, fallback?: unknown) =>
    count(override[name] ?? config[name] ?? fallback, `${where}.${name}`, configPath);
  const nFf = skip.includes('mlp') ? 0 : width('intermediate_size');
  if (skip.includes('attention')) return { nHead: 0, nHeadKv: 0, nFf };
  const nHead = width('num_attention_heads');
  return { nHead, nHeadKv: width('num_key_value_heads', nHead), nFf };
}

function readSkip(skip: unknown, { where, configPath }: Place): unknown[] {
  const parts = skip ?? [];
  if (Array.isArray(parts) && parts.every((part) => PARTS.includes(part))) return parts;
  const shown = Array.isArray(parts) ? parts.map(showValue).join(', ') : showValue(parts);
  throw new CheckpointError(
    configPath,
    `has ${where}.skip ${shown}; hearth converts layers that skip "attention", "mlp" or both`,
  );
}
