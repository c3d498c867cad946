// What a config says of one layer, in whichever of its spellings; each spelling has a file here.
// Counts are whole numbers or the config is refused by the name of the field.
import { CheckpointError } from '../checkpoint-error.js';
import { showValue } from '../show-value.js';
import { isCount } from '../tensor-source.js';

/** The widths of one layer; 0 for a part that it does not have. */
export type LayerConfig = { nHead: number; nHeadKv: number; nFf: number };

/** One for each layer; null where the config does not speak this spelling. */
export type ReadLayerConfigs = (
  config: Record<string, unknown>,
  configPath: string,
) => LayerConfig[] | null;

/** More than LLAMA_MAX_LAYERS of llama.cpp; bounds what a hostile config makes us build. */
const MAX_LAYERS = 10_000;

/** num_hidden_layers. */
export function layerCount(config: Record<string, unknown>, configPath: string): number {
  const nLayer = count(config['num_hidden_layers'], 'num_hidden_layers', configPath);
  if (nLayer <= MAX_LAYERS) return nLayer;
  throw new CheckpointError(
    configPath,
    `has num_hidden_layers ${nLayer}, expected at most ${MAX_LAYERS}`,
  );
}

/** `value` as a count. Throws {@link CheckpointError} with the name of its field. */
export function count(value: unknown, field: string, configPath: string): number {
  if (isCount(value)) return value;
  throw new CheckpointError(
    configPath,
    `has ${field} ${showValue(value)}, expected a whole number`,
  );
}

/** Refuses a list that has not one entry a layer. */
export function checkListLength(
  list: readonly unknown[],
  field: string,
  { nLayer, configPath }: { nLayer: number; configPath: string },
): void {
  if (list.length === nLayer) return;
  throw new CheckpointError(
    configPath,
    `has ${list.length} entries in ${field}, but num_hidden_layers is ${nLayer}; a file is from another model`,
  );
}
