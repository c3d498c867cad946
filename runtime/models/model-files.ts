// Which models a command line offers: files that it names, and those of a folder, each under a name.
// Names are how requests choose, so that no two may be the same.
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

export type ModelFileChoice = { id: string; modelPath: string; isPinned: boolean };

export type ModelFilesAsked = {
  files: string[];
  /** Every GGUF in it is offered; not those of folders below. */
  folder: string | undefined;
  /** Names of the files, in their order, instead of their own. */
  aliases: string[];
  /** Names of models that stay loaded. */
  pins: string[];
};

const EXTENSION = /\.gguf$/i;
/** The further parts of a file that llama.cpp split, which the first stands for. */
const LATER_PART = /-(?!00001)\d{5}-of-\d{5}\.gguf$/i;

/** `/models/llama-pruned-q4_k.gguf` is served as `llama-pruned-q4_k`. */
export function modelIdOf(modelPath: string): string {
  return path.basename(modelPath).replace(EXTENSION, '');
}

/** Throws where there is none, a name twice, or a name that no model has. */
export function chooseModels({ files, folder, aliases, pins }: ModelFilesAsked): ModelFileChoice[] {
  if (aliases.length > files.length)
    throw new Error(
      `--alias is given ${aliases.length} times for ${files.length} models; name the models, each alias in their order`,
    );
  const named = files.map((modelPath, i) => ({
    id: aliases[i] ?? modelIdOf(modelPath),
    modelPath,
  }));
  const inFolder = (folder === undefined ? [] : ggufsOf(folder))
    .filter((modelPath) => !files.includes(modelPath))
    .map((modelPath) => ({ id: modelIdOf(modelPath), modelPath }));
  const all = [...named, ...inFolder];
  checkNames(all);
  const unknown = pins.find((pin) => !all.some(({ id }) => id === pin));
  if (unknown !== undefined)
    throw new Error(
      `--pin ${unknown} is no model here; there are ${all.map(({ id }) => id).join(', ')}`,
    );
  return all.map((model) => ({ ...model, isPinned: pins.includes(model.id) }));
}

function checkNames(models: { id: string; modelPath: string }[]): void {
  for (const [i, { id, modelPath }] of models.entries()) {
    const other = models.slice(0, i).find((one) => one.id === id);
    if (other)
      throw new Error(
        `${other.modelPath} and ${modelPath} would both be called "${id}"; give each its own --alias`,
      );
  }
}

function ggufsOf(folder: string): string[] {
  const files = readFolder(folder)
    .filter((name) => EXTENSION.test(name) && !LATER_PART.test(name))
    .sort()
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
  if (files.length > 0) return files;
  throw new Error(`--models ${folder} holds no file that ends in .gguf; put models there`);
}

function readFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw new Error(`--models ${folder} cannot be read: ${(error as Error).message}`);
  }
}
