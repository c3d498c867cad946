// Which spelling a folder's config has for layers that differ, and what its weights are held to then.
// A part that a layer does not have is given as one of width 0, which is what it computes: readers
// of the checkpoint need not know of absent parts.
import { CheckpointError } from '../checkpoint-error.js';
import { FEED_FORWARD } from '../llama-names.js';
import { elementCount, type TensorSource } from '../tensor-source.js';
import { readBlockConfigs } from './block-configs.js';
import { readKvHeadsPerLayer } from './kv-heads-per-layer.js';
import type { LayerConfig, ReadLayerConfigs } from './layer-config.js';
import { readPerLayerConfig } from './per-layer-config.js';

/** Where NVIDIA's tools find two spellings in one config, per_layer_config holds. */
const SPELLINGS: readonly ReadLayerConfigs[] = [
  readPerLayerConfig,
  readBlockConfigs,
  readKvHeadsPerLayer,
];

/** What `config` says of each layer; null where it speaks of all at once. */
export const readLayerConfigs: ReadLayerConfigs = (config, configPath) => {
  for (const read of SPELLINGS) {
    const layers = read(config, configPath);
    if (layers) return layers;
  }
  return null;
};

type Tensors = ReadonlyMap<string, TensorSource>;

/**
 * `tensors` with a feed-forward part of width 0 where `layers` leaves it out. Throws
 * {@link CheckpointError} for the first layer whose weights do not have the widths that it promises.
 */
export function matchLayerConfigs(
  tensors: Tensors,
  layers: readonly LayerConfig[],
  { headSize, configPath }: { headSize: number; configPath: string },
): Map<string, TensorSource> {
  const matched = new Map(tensors);
  for (const [i, { nHead, nHeadKv, nFf }] of layers.entries()) {
    const layer = `model.layers.${i}`;
    const promised: [string, number][] = [
      ['self_attn.q_proj', nHead * headSize],
      ['self_attn.k_proj', nHeadKv * headSize],
      ['mlp.gate_proj', nFf],
    ];
    for (const [name, nRows] of promised)
      checkRows(tensors, `${layer}.${name}.weight`, nRows, configPath);
    if (nHead === 0) checkAbsent(tensors, `${layer}.self_attn`, configPath);
    if (nFf > 0) continue;
    checkAbsent(tensors, `${layer}.mlp`, configPath);
    addEmptyFeedForward(matched, `${layer}.mlp`);
  }
  return matched;
}

function checkRows(tensors: Tensors, name: string, nRows: number, configPath: string): void {
  const found = tensors.get(name)?.shape[0] ?? 0;
  if (found === nRows) return;
  throw new CheckpointError(
    configPath,
    `promises ${nRows} rows of ${name}, but the weights have ${found}; ${MISMATCH}`,
  );
}

/** A part that is computed by some and left out by others would be another model for each. */
function checkAbsent(tensors: Tensors, part: string, configPath: string): void {
  for (const [name, { shape }] of tensors)
    if (name.startsWith(`${part}.`) && elementCount(shape) > 0)
      throw new CheckpointError(
        configPath,
        `leaves ${part} out, but ${name} is there; ${MISMATCH}`,
      );
}

const MISMATCH =
  'a file is from another model, or the weights were saved by code that does not read this config';

function addEmptyFeedForward(tensors: Map<string, TensorSource>, part: string): void {
  const embedding = tensors.get('model.embed_tokens.weight');
  if (!embedding) return;
  const nEmbd = embedding.shape[1] ?? 0;
  for (const projection of FEED_FORWARD) {
    const name = `${part}.${projection}.weight`;
    const shape = projection === 'down_proj' ? [nEmbd, 0] : [0, nEmbd];
    if (!tensors.has(name)) tensors.set(name, { ...embedding, name, shape, sizeBytes: 0 });
  }
}
