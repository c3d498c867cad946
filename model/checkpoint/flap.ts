// Reads what FLAP saves as pruned_model.pt: torch.save(model), the model alone.
// o_proj and down_proj have biases that stand in for what was taken away; the tokenizer, where it was
// saved, lies beside it. https://github.com/CASIA-IVA-Lab/FLAP
import path from 'node:path';
import type { Checkpoint } from './checkpoint.js';
import type { PickleObject } from './pickle/value.js';
import { readPickledLlama } from './pickled-llama.js';
import { readTokenizerFiles } from './tokenizer-folder.js';
import type { TorchArchive } from './torch/torch-archive.js';

/** `model`, the root of the archive, as a checkpoint. Throws `CheckpointError`. */
export async function readFlap(
  model: PickleObject,
  archive: TorchArchive,
): Promise<Omit<Checkpoint, 'path'>> {
  const llama = readPickledLlama(model, archive);
  const beside = await readTokenizerFiles(path.dirname(archive.filePath));
  return {
    kind: 'flap',
    ...llama,
    tokenizer: beside?.tokenizer ?? null,
    files: [archive.filePath, ...(beside?.files ?? [])],
    pruningArguments: null,
  };
}
