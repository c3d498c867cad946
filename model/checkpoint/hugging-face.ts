// Reads a Hugging Face folder: config.json, weights and tokenizer, as transformers saves.
// The unpruned baseline comes this way, and so does what Torch-Pruning, FLAP, Puzzletron and DeciLM
// save. Where the config speaks of single layers, the weights must be as it says (layer-configs/).
import path from 'node:path';
import type { Checkpoint } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import { folderHeadSize } from './head-size.js';
import { matchLayerConfigs, readLayerConfigs } from './layer-configs/layer-configs.js';
import { checkConfig, isDeci } from './llama-config.js';
import { DESCRIPTION, readPruningArguments } from './pruning-arguments.js';
import { showValue } from './show-value.js';
import { isFile, readJsonFile } from './source-file.js';
import { countLayers, findHeadSize } from './structure.js';
import { untie } from './tied-embeddings.js';
import { readTokenizerFiles } from './tokenizer-folder.js';
import type { Weights } from './weight-files.js';

/** `hugging-face` also stands for the pruners that leave no sign of themselves in a folder. */
export type FolderKind = 'hugging-face' | 'puzzletron' | 'deci-lm';

/** The checkpoint around `weights`, which lie in `folder`. Throws {@link CheckpointError}. */
export async function readHuggingFace(
  folder: string,
  { tensors: stored, files }: Weights,
): Promise<Omit<Checkpoint, 'path'>> {
  const configPath = path.join(folder, 'config.json');
  const config = await readJsonFile(configPath);
  checkConfig(config, configPath);
  const headSize = folderHeadSize(config, stored, configPath);
  const layers = readLayerConfigs(config, configPath);
  const tensors = layers
    ? matchLayerConfigs(stored, layers, {
        headSize: findHeadSize({ path: configPath, config, headSize }),
        configPath,
      })
    : stored;
  checkLayerCount(config, configPath, countLayers({ path: folder, tensors }));
  const tiedEmbeddings = untie(tensors, config['tie_word_embeddings'] === true);
  const tokenizer = await readTokenizerFiles(folder);
  const generation = await readOptional(folder, 'generation_config.json');
  const pruningArguments = await readPruningArguments(folder);
  const description = pruningArguments ? [path.join(folder, DESCRIPTION)] : [];
  return {
    kind: kindOf(config),
    files: [...files, configPath, ...(tokenizer?.files ?? []), ...generation.files, ...description],
    config,
    headSize,
    tensors,
    tiedEmbeddings,
    tokenizer: tokenizer?.tokenizer ?? null,
    pruningArguments,
    generationConfig: generation.json,
    ropeFactors: null,
  };
}

/** Whose tool saved it, where the config tells. */
function kindOf(config: Record<string, unknown>): FolderKind {
  if (isDeci(config)) return 'deci-lm';
  return config['block_configs'] ? 'puzzletron' : 'hugging-face';
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
