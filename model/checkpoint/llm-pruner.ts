// Reads LLM-Pruner's checkpoint: torch.save({'model': model, 'tokenizer': tokenizer}).
// The whole Python model and its tokenizer are in the pickle; the arguments lie beside it.
import path from 'node:path';
import type { Checkpoint } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import { PickleObject, type PickleValue } from './pickle/value.js';
import { readPickledLlama } from './pickled-llama.js';
import { DESCRIPTION, readPruningArguments } from './pruning-arguments.js';
import { showValue } from './show-value.js';
import { readTokenizerFiles } from './tokenizer-folder.js';
import { readPickledTokenizer } from './torch/pickled-tokenizer.js';
import type { TorchArchive } from './torch/torch-archive.js';

/** The checkpoint in an archive, with what lies beside it. Throws {@link CheckpointError}. */
export async function readLlmPruner(archive: TorchArchive): Promise<Omit<Checkpoint, 'path'>> {
  const model = readPickledLlama(findModel(archive), archive);
  return { kind: 'llm-pruner', ...model, ...(await readNeighbours(archive)) };
}

function findModel({ root, filePath }: TorchArchive): PickleObject {
  const model = root instanceof Map ? root.get('model') : undefined;
  if (model instanceof PickleObject) return model;
  throw new CheckpointError(
    filePath,
    `holds ${describe(root)}; expected what LLM-Pruner saves, {'model': ..., 'tokenizer': ...}, or FLAP, the model alone`,
  );
}

function describe(root: PickleValue): string {
  if (!(root instanceof Map)) return 'no dict';
  if (root.has('model')) return "a dict whose 'model' is not a pickled model";
  const keys = [...root.keys()].slice(0, 5).map((key) => showValue(key));
  return `a dict with ${keys.join(', ') || 'nothing'}`;
}

/** The tokenizer of the pickle, or else of the folder, and description.txt. */
async function readNeighbours({
  root,
  filePath,
}: TorchArchive): Promise<Pick<Checkpoint, 'tokenizer' | 'files' | 'pruningArguments'>> {
  const folder = path.dirname(filePath);
  const stored = root instanceof Map ? root.get('tokenizer') : undefined;
  const pickled = readPickledTokenizer(stored, filePath);
  const beside = pickled ? null : await readTokenizerFiles(folder);
  const pruningArguments = await readPruningArguments(folder);
  const description = pruningArguments ? [path.join(folder, DESCRIPTION)] : [];
  return {
    tokenizer: pickled ?? beside?.tokenizer ?? null,
    files: [filePath, ...(beside?.files ?? []), ...description],
    pruningArguments,
  };
}
