// The weights of a Hugging Face folder: one file or the shards that an index lists.
// safetensors and .bin alike; safetensors first where a folder has both, as transformers does.
// An index may only name files in its own folder and below.
import path from 'node:path';
import { isJsonObject } from './bounded-json.js';
import { CheckpointError } from './checkpoint-error.js';
import { HeaderBudget } from './header-budget.js';
import { isLlamaWeight } from './llama-names.js';
import { readSafetensors } from './safetensors.js';
import { showValue } from './show-value.js';
import { isFile, readJsonFile } from './source-file.js';
import type { TensorSource } from './tensor-source.js';
import { readStateDict } from './torch/state-dict.js';
import { openTorchArchive, type TorchArchive } from './torch/torch-archive.js';

export type Weights = { tensors: Map<string, TensorSource>; files: string[] };

/** A 405B model has 191, Puzzletron's has two for each layer. */
const MAX_SHARDS = 512;

/** The file in `folder` that holds the weights or lists their shards; null where there is none. */
export async function findWeights(folder: string): Promise<string | null> {
  const names = [
    'model.safetensors',
    'model.safetensors.index.json',
    'pytorch_model.bin',
    'pytorch_model.bin.index.json',
    'pruned_model.pt',
  ];
  for (const name of names)
    if (await isFile(path.join(folder, name))) return path.join(folder, name);
  return null;
}

/** The weights behind a path that {@link findWeights} found. Throws {@link CheckpointError}. */
export async function readWeights(filePath: string, signal?: AbortSignal): Promise<Weights> {
  if (!filePath.endsWith('.index.json'))
    return { tensors: await readShard(filePath), files: [filePath] };
  const shardNames = await readIndex(filePath);
  const weights: Weights = { tensors: new Map(), files: [filePath] };
  const budget = new HeaderBudget(filePath);
  for (const shardPath of new Set(shardNames.values())) {
    signal?.throwIfAborted();
    for (const [name, tensor] of await readShard(shardPath, budget))
      add(weights.tensors, name, tensor);
    weights.files.push(shardPath);
  }
  checkIndex(shardNames, weights.tensors, filePath);
  return weights;
}

/** The weights of one archive that holds a state dict. Throws {@link CheckpointError}. */
export function readArchiveWeights(archive: TorchArchive): Map<string, TensorSource> {
  return readStateDict(archive, (name) => isLlamaWeight(name, archive.filePath));
}

async function readShard(
  filePath: string,
  budget?: HeaderBudget,
): Promise<Map<string, TensorSource>> {
  if (!filePath.endsWith('.safetensors'))
    return readArchiveWeights(await openTorchArchive(filePath, budget));
  return await readSafetensors(filePath, (name) => isLlamaWeight(name, filePath), budget);
}

/** The shard of each tensor. */
async function readIndex(indexPath: string): Promise<Map<string, string>> {
  const { weight_map: map } = await readJsonFile(indexPath);
  if (!isJsonObject(map)) throw new CheckpointError(indexPath, 'has no weight_map; it is damaged');
  const shards = new Map(
    Object.entries(map).map(([name, shard]) => [name, shardPath(shard, indexPath)]),
  );
  if (new Set(shards.values()).size > MAX_SHARDS)
    throw new CheckpointError(indexPath, `lists more than ${MAX_SHARDS} files`);
  return shards;
}

/** Puzzletron's lie in subblocks_safetensors/. No part of a path may begin with a dot. */
const SHARD = /^([^./\\\0][^/\\\0]*\/)*[^./\\\0][^/\\\0]*\.(safetensors|bin)$/;

function shardPath(shard: unknown, indexPath: string): string {
  if (typeof shard !== 'string' || !SHARD.test(shard))
    throw new CheckpointError(
      indexPath,
      `names the shard ${showValue(shard)}, expected a .safetensors or .bin file beside it or in a folder there`,
    );
  return path.join(path.dirname(indexPath), shard);
}

function add(tensors: Map<string, TensorSource>, name: string, tensor: TensorSource): void {
  const earlier = tensors.get(name);
  if (earlier) throw new CheckpointError(tensor.filePath, `${name} is also in ${earlier.filePath}`);
  tensors.set(name, tensor);
}

function checkIndex(
  shards: ReadonlyMap<string, string>,
  tensors: ReadonlyMap<string, TensorSource>,
  indexPath: string,
): void {
  for (const [name, shardPath] of shards)
    if (isLlamaWeight(name, indexPath) && tensors.get(name)?.filePath !== shardPath)
      throw new CheckpointError(
        indexPath,
        `promises ${name} in ${path.basename(shardPath)}, which does not have it; copy or download the folder again`,
      );
}
