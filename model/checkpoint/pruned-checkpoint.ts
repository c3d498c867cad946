// A dense checkpoint as it is without some of its key-value heads and channels: the same files, of
// which fewer rows and columns are read, and new tensors in the place of those that were repaired.
// What is left out is chosen elsewhere. Reads no weights.
import type { GgufMetadata } from '../gguf/gguf-metadata.js';
import type { Checkpoint } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import { checkStructure, countLayers, findHeadSize } from './structure.js';
import { pickColumns, pickRows, type TensorSource } from './tensor-source.js';

export type Pruning = {
  /** What is kept of each layer, ascending, counted in the unpruned model. */
  layers: readonly KeptParts[];
  /**
   * Tensors by their Hugging Face names that are taken instead: o_proj and down_proj weights over
   * the kept columns, and their biases, which the unpruned model may lack. A LoRA is in them already.
   */
  replaced: ReadonlyMap<string, TensorSource>;
  /** `hearth.pruning.*` pairs. */
  metadata: GgufMetadata;
};

/** A key-value head is kept with the query heads that share it. */
export type KeptParts = { kvHeads: readonly number[]; channels: readonly number[] };

/** Throws {@link CheckpointError} where `pruning` does not fit the checkpoint. */
export function applyPruning(checkpoint: Checkpoint, pruning: Pruning): Checkpoint {
  const nLayer = countLayers(checkpoint);
  if (pruning.layers.length !== nLayer)
    throw new CheckpointError(
      checkpoint.path,
      `has ${nLayer} layers, but ${pruning.layers.length} were chosen from; choose again for this model`,
    );
  const tensors = new Map(checkpoint.tensors);
  for (const [layer, kept] of pruning.layers.entries()) pickLayer(checkpoint, tensors, layer, kept);
  for (const [name, source] of pruning.replaced) {
    checkReplaceable(checkpoint, name);
    tensors.set(name, source);
  }
  const pruned = { ...checkpoint, tensors };
  checkStructure(pruned);
  return pruned;
}

type Tensors = Map<string, TensorSource>;

function pickLayer(checkpoint: Checkpoint, tensors: Tensors, layer: number, kept: KeptParts): void {
  const [attention, mlp] = [`model.layers.${layer}.self_attn`, `model.layers.${layer}.mlp`];
  const headSize = findHeadSize(checkpoint);
  const rows = (module: string) => tensors.get(`${module}.weight`)?.shape[0] ?? 0;
  const nHeadKv = rows(`${attention}.k_proj`) / headSize;
  const nHead = rows(`${attention}.q_proj`) / headSize;
  const nFf = rows(`${mlp}.gate_proj`);
  checkKept(kept.kvHeads, nHeadKv, `layer ${layer}'s key-value heads`, checkpoint.path);
  checkKept(kept.channels, nFf, `layer ${layer}'s channels`, checkpoint.path);
  if (kept.kvHeads.length < nHeadKv) {
    const queries = runsOf(kept.kvHeads, (nHead / nHeadKv) * headSize);
    const keys = runsOf(kept.kvHeads, headSize);
    pickModule(tensors, `${attention}.q_proj`, queries);
    for (const name of ['k_proj', 'v_proj']) pickModule(tensors, `${attention}.${name}`, keys);
    pickInput(tensors, `${attention}.o_proj.weight`, queries);
  }
  if (kept.channels.length < nFf) {
    const channels = Int32Array.from(kept.channels);
    for (const name of ['gate_proj', 'up_proj']) pickModule(tensors, `${mlp}.${name}`, channels);
    pickInput(tensors, `${mlp}.down_proj.weight`, channels);
  }
}

function checkKept(kept: readonly number[], count: number, what: string, path: string): void {
  const wrong = kept.findIndex(
    (place, i) => !Number.isInteger(place) || place <= (kept[i - 1] ?? -1) || place >= count,
  );
  if (wrong < 0) return;
  throw new CheckpointError(
    path,
    `of ${what}, ${kept[wrong]} was chosen in place ${wrong}; expected whole numbers below ${count}, ascending`,
  );
}

/** The places of whole heads, each `size` rows. */
function runsOf(heads: readonly number[], size: number): Int32Array {
  return Int32Array.from(
    { length: heads.length * size },
    (_, i) => (heads[Math.floor(i / size)] as number) * size + (i % size),
  );
}

/** The outputs of a linear module, in its weight and in its bias where it has one. */
function pickModule(tensors: Tensors, module: string, kept: Int32Array): void {
  for (const name of [`${module}.weight`, `${module}.bias`]) {
    const source = tensors.get(name);
    if (source) tensors.set(name, pickRows(source, kept));
  }
}

function pickInput(tensors: Tensors, name: string, kept: Int32Array): void {
  const source = tensors.get(name);
  if (source) tensors.set(name, pickColumns(source, kept));
}

const REPLACEABLE = /^model\.layers\.\d+\.(self_attn\.o_proj|mlp\.down_proj)\.(weight|bias)$/;

function checkReplaceable({ path, tensors }: Checkpoint, name: string): void {
  const isOfModel = tensors.has(name.replace(/bias$/, 'weight'));
  if (REPLACEABLE.test(name) && isOfModel) return;
  throw new CheckpointError(
    path,
    `${name} was to be replaced; expected the weight or the bias of an o_proj or down_proj of this model`,
  );
}
