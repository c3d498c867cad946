// A flat dict of named tensors: shards of Hugging Face and the matrices of a LoRA.
// Kept apart from the module tree, which LLM-Pruner pickles instead.
// Names are kept as they are stored.
import { CheckpointError } from '../checkpoint-error.js';
import type { PickleValue } from '../pickle/value.js';
import type { TensorSource } from '../tensor-source.js';
import { isTensorRecord, locateTensor } from './tensor-record.js';
import type { TorchArchive } from './torch-archive.js';

/** Whether the pickle holds named tensors and nothing else. */
export function isStateDict(root: PickleValue): root is Map<PickleValue, PickleValue> {
  return root instanceof Map && root.size > 0 && [...root.values()].every(isTensorRecord);
}

/** The tensors that `keep` takes, by their stored names. Throws {@link CheckpointError}. */
export function readStateDict(
  archive: TorchArchive,
  keep: (name: string) => boolean,
): Map<string, TensorSource> {
  const tensors = new Map<string, TensorSource>();
  if (!isStateDict(archive.root))
    throw new CheckpointError(archive.filePath, 'holds no state dict: expected names and tensors');
  for (const [name, record] of archive.root)
    if (typeof name === 'string' && isTensorRecord(record) && keep(name))
      tensors.set(name, locateTensor(name, record, archive));
  return tensors;
}
