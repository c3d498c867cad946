// Reads a tokenizer as transformers saves it: tokenizer.model or tokenizer.json, and settings.
// The sentencepiece model comes first, as in llama.cpp's converter: it has the exact scores.
// Does not interpret the vocabulary; tokenizer/ does.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { isJsonObject, MAX_VOCABULARY_KEYS, parseBoundedJson } from './bounded-json.js';
import { CheckpointError } from './checkpoint-error.js';
import { isFile, readJsonFile, readWholeFile } from './source-file.js';
import type { StoredTokenizer } from './stored-tokenizer.js';

/** A tokenizer.json of Llama 3.2 has 17 MB, a tokenizer.model 0.5 MB. */
const MAX_TOKENIZER_BYTES = 24 << 20;
const MAX_TEMPLATE_BYTES = 1 << 20;
const BRACE = 0x7b;
/** Field 1, length-delimited: every sentencepiece ModelProto begins with a piece. */
const SENTENCEPIECE_START = 0x0a;

/**
 * The tokenizer in a folder, or in a file together with the settings beside it, and the absolute
 * paths of what was read; null where a folder has none. Throws {@link CheckpointError}.
 */
export async function readTokenizerFiles(
  dirOrFile: string,
): Promise<{ tokenizer: StoredTokenizer; files: string[] } | null> {
  const filePath = await findVocabulary(path.resolve(dirOrFile));
  if (filePath === null) return null;
  const settings = new SettingsFolder(path.dirname(filePath));
  const bytes = await readWholeFile(filePath, MAX_TOKENIZER_BYTES);
  const tokenizer = await buildTokenizer(filePath, bytes, settings);
  return { tokenizer, files: [filePath, ...settings.files] };
}

async function findVocabulary(dirOrFile: string): Promise<string | null> {
  const stats = await stat(dirOrFile).catch((cause) => {
    throw new CheckpointError(dirOrFile, 'does not exist', { cause });
  });
  if (!stats.isDirectory()) return dirOrFile;
  const model = path.join(dirOrFile, 'tokenizer.model');
  const json = path.join(dirOrFile, 'tokenizer.json');
  if (await isFile(model)) return (await isTiktoken(model)) && (await isFile(json)) ? json : model;
  return (await isFile(json)) ? json : null;
}

/** Meta's Llama 3 calls a tiktoken list tokenizer.model; tokenizer.json is the one to read then. */
async function isTiktoken(model: string): Promise<boolean> {
  return (await readWholeFile(model, MAX_TOKENIZER_BYTES))[0] !== SENTENCEPIECE_START;
}

async function buildTokenizer(
  filePath: string,
  bytes: Buffer,
  settings: SettingsFolder,
): Promise<StoredTokenizer> {
  const config = await readConfig(settings);
  if (bytes[0] === BRACE)
    return { kind: 'fast', json: parseBoundedJson(bytes, filePath, MAX_VOCABULARY_KEYS), config };
  if (bytes[0] !== SENTENCEPIECE_START)
    throw new CheckpointError(
      filePath,
      'is neither a sentencepiece model nor a tokenizer.json; pass the file that transformers saved',
    );
  const addedTokens = readIds(await settings.json('added_tokens.json'));
  return { kind: 'sentencepiece', model: Uint8Array.from(bytes), config, addedTokens };
}

/** tokenizer_config.json, with what special_tokens_map.json and chat_template.jinja add. */
async function readConfig(settings: SettingsFolder): Promise<Record<string, unknown>> {
  const specials = Object.entries(await settings.json('special_tokens_map.json'));
  const template = await settings.text('chat_template.jinja');
  return {
    ...Object.fromEntries(specials.map(([name, token]) => [name, contentOf(token)])),
    ...(await settings.json('tokenizer_config.json')),
    ...(template !== null && { chat_template: template }),
  };
}

function contentOf(token: unknown): unknown {
  return isJsonObject(token) ? token['content'] : token;
}

function readIds(tokens: Record<string, unknown>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(tokens).filter((entry): entry is [string, number] =>
      Number.isSafeInteger(entry[1]),
    ),
  );
}

/** The optional files beside a vocabulary; remembers which of them were there. */
class SettingsFolder {
  readonly files: string[] = [];
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async json(name: string): Promise<Record<string, unknown>> {
    const filePath = await this.#find(name);
    return filePath ? await readJsonFile(filePath) : {};
  }

  async text(name: string): Promise<string | null> {
    const filePath = await this.#find(name);
    return filePath ? (await readWholeFile(filePath, MAX_TEMPLATE_BYTES)).toString('utf8') : null;
  }

  async #find(name: string): Promise<string | null> {
    const filePath = path.join(this.#folder, name);
    if (!(await isFile(filePath))) return null;
    this.files.push(filePath);
    return filePath;
  }
}
