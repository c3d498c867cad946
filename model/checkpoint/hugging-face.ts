// Reads a plain Hugging Face folder: config.json, weights and tokenizer, as transformers saves.
// The unpruned baseline comes this way; its config is not stale, so it must match the tensors.
import path from 'node:path';
import type { Checkpoint } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import { checkConfig } from './llama-config.js';
import { DESCRIPTION, readPruningArguments } from './pruning-arguments.js';
import { showValue } from './show-value.js';
import { isFile, readJsonFile } from './source-file.js';
import { countLayers } from './structure.js';
import { isCount } from './tensor-source.js';
import { untie } from './tied-embeddings.js';
import { readTokenizerFiles } from './tokenizer-folder.js';
import type { Weights } from './weight-files.js';

/** The checkpoint around `weights`, which lie in `folder`. Throws {@link CheckpointError}. */
export async function readHuggingFace(
  folder: string,
  { tensors, files }: Weights,
): Promise<Omit<Checkpoint, 'path'>> {
  const configPath = path.join(folder, 'config.json');
  const config = await readJsonFile(configPath);
  checkConfig(config, configPath);
  checkLayerCount(config, configPath, countLayers({ path: folder, tensors }));
  const tiedEmbeddings = untie(tensors, config['tie_word_embeddings'] === true);
  const tokenizer = await readTokenizerFiles(folder);
  const generation = await readOptional(folder, 'generation_config.json');
  const pruningArguments = await readPruningArguments(folder);
  const description = pruningArguments ? [path.join(folder, DESCRIPTION)] : [];
  return {
    kind: 'hugging-face',
    files: [...files, configPath, ...(tokenizer?.files ?? []), ...generation.files, ...description],
    config,
    headSize: isCount(config['head_dim']) ? config['head_dim'] : null,
    tensors,
    tiedEmbeddings,
    tokenizer: tokenizer?.tokenizer ?? null,
    pruningArguments,
    generationConfig: generation.json,
    ropeFactors: null,
  };
}

function checkLayerCount(
  { num_hidden_layers: promised }: Record<string, unknown>,
  configPath: string,
  nLayer: number,
): void {
  if (promised !== nLayer)
    throw new CheckpointError(
      configPath,
      `promises ${showValue(promised)} layers (num_hidden_layers), but the weights have ${nLayer}; a file is missing or from another model`,
    );
}

async function readOptional(
  folder: string,
  name: string,
): Promise<{ json: Record<string, unknown> | null; files: string[] }> {
  const filePath = path.join(folder, name);
  if (!(await isFile(filePath))) return { json: null, files: [] };
  return { json: await readJsonFile(filePath), files: [filePath] };
}
