// Walks a pickled torch.nn.Module to its parameters and the head sizes of its attention.
// The names on the way (_modules, _parameters) spell the names of the Hugging Face weights.
// Buffers are not weights (rotary tables) and are left out.
import { CheckpointError } from '../checkpoint-error.js';
import { MAX_NAME_LENGTH } from '../llama-names.js';
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
/** A 126-layer model has 4000 entries; shared modules could otherwise repeat without end. */
const MAX_ENTRIES = 50_000;

/** Parameters by their Hugging Face names. Throws {@link CheckpointError}. */
export function readModuleTree(model: PickleObject, archive: TorchArchive): ModuleTree {
  const walk = new TreeWalk(archive);
  walk.visit(model, '', 0);
  return walk.tree;
}

class TreeWalk {
  readonly tree: ModuleTree = { tensors: new Map(), headSizes: new Map() };
  readonly #archive: TorchArchive;
  #entries = 0;

  constructor(archive: TorchArchive) {
    this.#archive = archive;
  }

  visit(module: PickleObject, prefix: string, depth: number): void {
    if (depth > MAX_DEPTH) this.#fail('its modules are nested without end');
    this.#collectParameters(module, prefix);
    const headSize = module.field('head_dim');
    if (headSize !== undefined) this.tree.headSizes.set(prefix.slice(0, -1), headSize);
    for (const [name, child] of this.#entriesOf(module, '_modules', prefix))
      if (child instanceof PickleObject) this.visit(child, `${name}.`, depth + 1);
  }

  #collectParameters(module: PickleObject, prefix: string): void {
    for (const [name, record] of this.#entriesOf(module, '_parameters', prefix)) {
      // A Linear without bias keeps the name and no tensor.
      if (record === null) continue;
      if (!isTensorRecord(record)) this.#fail(`${name}: is no tensor; the file is damaged`);
      this.tree.tensors.set(name, locateTensor(name, record, this.#archive));
    }
  }

  /** Entries of a dict by their whole names. Counted one by one: a shared dict is walked again. */
  *#entriesOf(
    module: PickleObject,
    field: '_modules' | '_parameters',
    prefix: string,
  ): Generator<[string, PickleValue]> {
    const dict = module.field(field);
    if (!(dict instanceof Map)) return;
    for (const [key, value] of dict) {
      if (++this.#entries > MAX_ENTRIES) this.#fail('its modules repeat without end');
      if (typeof key !== 'string') continue;
      if (prefix.length + key.length > MAX_NAME_LENGTH)
        this.#fail(`${prefix}${key.slice(0, MAX_NAME_LENGTH)}: has a name that is far too long`);
      yield [prefix + key, value];
    }
  }

  #fail(problem: string): never {
    throw new CheckpointError(this.#archive.filePath, problem);
  }
}
