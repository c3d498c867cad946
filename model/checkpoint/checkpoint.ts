// Opens a checkpoint, whichever of the known forms it has, and checks that it is a whole Llama.
// The result says where every weight lies; nothing of the weights is read.
// Does not convert anything and never runs anything that a file names.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { isGguf } from '../gguf/gguf-file.js';
import { CheckpointError } from './checkpoint-error.js';
import { readFlap } from './flap.js';
import { readGgufCheckpoint } from './gguf/gguf-checkpoint.js';
import { type FolderKind, readHuggingFace } from './hugging-face.js';
import { readLlmPruner } from './llm-pruner.js';
import { PickleObject } from './pickle/value.js';
import type { StoredTokenizer } from './stored-tokenizer.js';
import { checkStructure } from './structure.js';
import type { TensorSource } from './tensor-source.js';
import { isStateDict } from './torch/state-dict.js';
import { openTorchArchive } from './torch/torch-archive.js';
import { findWeights, readArchiveWeights, readWeights } from './weight-files.js';

export type Checkpoint = {
  kind: 'llm-pruner' | 'flap' | FolderKind | 'gguf';
  /** What was opened. */
  path: string;
  /** Every source file, absolute. */
  files: string[];
  /**
   * config.json, the pickled config's fields, or a GGUF's header in the same words. LLM-Pruner and FLAP
   * leave the unpruned widths in it.
   */
  config: Record<string, unknown>;
  /** Rows of one head, where stored. */
  headSize: number | null;
  /** Weights by their Hugging Face names; a tied `lm_head.weight` is left out. */
  tensors: ReadonlyMap<string, TensorSource>;
  tiedEmbeddings: boolean;
  tokenizer: StoredTokenizer | null;
  /** LLM-Pruner's arguments, where description.txt lies beside the checkpoint. */
  pruningArguments: Record<string, string> | null;
  generationConfig: Record<string, unknown> | null;
  /** Divisors of RoPE's frequencies where they are stored, as in a GGUF; elsewhere the config tells. */
  ropeFactors: Float32Array | null;
};

/**
 * Opens LLM-Pruner's or FLAP's folder or its `pytorch_model.bin` or `pruned_model.pt`, a Hugging Face
 * folder, or a GGUF.
 * Throws {@link CheckpointError} for anything that is not one whole, plain Llama, and
 * `GgufFileError` for a damaged GGUF.
 */
export async function openCheckpoint(
  checkpointPath: string,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Checkpoint> {
  signal?.throwIfAborted();
  const weightsPath = await locateWeights(path.resolve(checkpointPath));
  const read = (await isGguf(weightsPath)) ? readGgufCheckpoint : readPytorch;
  const checkpoint = { path: checkpointPath, ...(await read(weightsPath, signal)) };
  checkStructure(checkpoint);
  return checkpoint;
}

async function locateWeights(checkpointPath: string): Promise<string> {
  const stats = await stat(checkpointPath).catch((cause: NodeJS.ErrnoException) => {
    const problem = cause.code === 'ENOENT' ? 'does not exist' : `cannot be read (${cause.code})`;
    throw new CheckpointError(checkpointPath, problem, { cause });
  });
  const weightsPath = stats.isDirectory() ? await findWeights(checkpointPath) : checkpointPath;
  if (weightsPath === null)
    throw new CheckpointError(
      checkpointPath,
      'has neither pytorch_model.bin nor model.safetensors (nor an index of shards), nor pruned_model.pt; pass the folder that the pruner or transformers saved',
    );
  return weightsPath;
}

/** A pytorch_model.bin is LLM-Pruner's, FLAP's or a state dict of Hugging Face; its pickle tells. */
async function readPytorch(
  weightsPath: string,
  signal: AbortSignal | undefined,
): Promise<Omit<Checkpoint, 'path'>> {
  const folder = path.dirname(weightsPath);
  if (/\.(safetensors|index\.json)$/.test(weightsPath))
    return await readHuggingFace(folder, await readWeights(weightsPath, signal));
  const archive = await openTorchArchive(weightsPath);
  signal?.throwIfAborted();
  if (archive.root instanceof PickleObject) return await readFlap(archive.root, archive);
  if (!isStateDict(archive.root)) return await readLlmPruner(archive);
  const tensors = readArchiveWeights(archive);
  return await readHuggingFace(folder, { tensors, files: [weightsPath] });
}
