// Walks a pickled torch.nn.Module to its parameters and the head sizes of its attention.
// The names on the way (_modules, _parameters) spell the names of the Hugging Face weights.
// Buffers are not weights (rotary tables) and are left out.
import { CheckpointError } from '../checkpoint-error.js';
import { PickleObject, type PickleValue } from '../pickle/value.js';
import type { TensorSource } from '../tensor-source.js';
import { isTensorRecord, locateTensor } from './tensor-record.js';
import type { TorchArchive } from './torch-archive.js';

export type ModuleTree = {
  tensors: Map<string, TensorSource>;
  /** `head_dim` of each attention module that stores one, by the module's name. */
  headSizes: Map<string, PickleValue>;
};

/** model.layers.0.self_attn.q_proj is five deep. */
const MAX_DEPTH = 16;
/** A 126-layer model has 1900; shared modules could otherwise repeat without end. */
const MAX_MODULES = 20_000;

/** Parameters by their Hugging Face names. Throws {@link CheckpointError}. */
export function readModuleTree(model: PickleObject, archive: TorchArchive): ModuleTree {
  const tree: ModuleTree = { tensors: new Map(), headSizes: new Map() };
  let modules = 0;
  visit(model, '', 0);
  return tree;

  function visit(module: PickleObject, prefix: string, depth: number): void {
    if (depth > MAX_DEPTH || ++modules > MAX_MODULES)
      throw new CheckpointError(archive.filePath, 'its modules are nested without end');
    collectParameters(module, prefix, archive, tree.tensors);
    const headSize = module.field('head_dim');
    if (headSize !== undefined) tree.headSizes.set(prefix.slice(0, -1), headSize);
    for (const [name, child] of namedValues(module.field('_modules')))
      if (child instanceof PickleObject) visit(child, `${prefix}${name}.`, depth + 1);
  }
}

function collectParameters(
  module: PickleObject,
  prefix: string,
  archive: TorchArchive,
  tensors: Map<string, TensorSource>,
): void {
  for (const [key, record] of namedValues(module.field('_parameters'))) {
    const name = prefix + key;
    // A Linear without bias keeps the name and no tensor.
    if (record === null) continue;
    if (!isTensorRecord(record))
      throw new CheckpointError(archive.filePath, `${name}: is no tensor; the file is damaged`);
    tensors.set(name, locateTensor(name, record, archive));
  }
}

function namedValues(dict: PickleValue | undefined): [string, PickleValue][] {
  if (!(dict instanceof Map)) return [];
  return [...dict].filter((entry): entry is [string, PickleValue] => typeof entry[0] === 'string');
}
