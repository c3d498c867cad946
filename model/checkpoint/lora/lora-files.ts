// Finds the files of a LoRA: what LLM-Pruner's and today's peft save, and a Trainer's checkpoint-N,
// whose pytorch_model.bin holds the same matrices and whose config may lie one folder up.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { CheckpointError } from '../checkpoint-error.js';
import { readSafetensors } from '../safetensors.js';
import { isFile } from '../source-file.js';
import type { TensorSource } from '../tensor-source.js';
import { readStateDict } from '../torch/state-dict.js';
import { openTorchArchive } from '../torch/torch-archive.js';

const CONFIG = 'adapter_config.json';
const MATRICES = ['adapter_model.safetensors', 'adapter_model.bin', 'pytorch_model.bin'];

/** Absolute paths of the matrices and the config in `dir`. Throws {@link CheckpointError}. */
export async function findLoraFiles(dir: string): Promise<{ matrices: string; config: string }> {
  const folder = path.resolve(dir);
  const stats = await stat(folder).catch(() => null);
  if (!stats?.isDirectory()) throw new CheckpointError(folder, 'is not a folder with a LoRA');
  return {
    matrices: await findFirst(
      folder,
      MATRICES.map((name) => path.join(folder, name)),
    ),
    config: await findFirst(folder, [
      path.join(folder, CONFIG),
      path.join(path.dirname(folder), CONFIG),
    ]),
  };
}

/** The matrices by their stored names. Throws {@link CheckpointError}. */
export async function readMatrices(filePath: string): Promise<Map<string, TensorSource>> {
  const keepAll = () => true;
  if (filePath.endsWith('.safetensors')) return await readSafetensors(filePath, keepAll);
  return readStateDict(await openTorchArchive(filePath), keepAll);
}

async function findFirst(folder: string, candidates: string[]): Promise<string> {
  for (const candidate of candidates) if (await isFile(candidate)) return candidate;
  const names = [...new Set(candidates.map((candidate) => path.basename(candidate)))];
  throw new CheckpointError(
    folder,
    `has no ${names.join(' or ')}; pass the folder in which peft saved the LoRA`,
  );
}
