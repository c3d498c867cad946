// Reads the model and the added tokens of a tokenizer.json (huggingface/tokenizers), checking all of it.
// Only BPE is read: byte-level, or sentencepiece's as transformers' fast Llama tokenizer stores it.
// Does not look at how text is split before; pre-tokenizer.ts and space-prefix.ts do.
import { isJsonObject } from '../checkpoint/bounded-json.js';
import { CheckpointError } from '../checkpoint/checkpoint-error.js';
import { quote } from './token-rows.js';

export type Bpe = {
  /** Ids by token, without added tokens that are not part of the model. */
  vocab: ReadonlyMap<string, number>;
  /** Left and right part separated by a space, best first. */
  merges: string[];
  added: AddedToken[];
  /** Whether unknown characters become byte tokens such as `<0x0A>`. */
  byteFallback: boolean;
  /** Whether a word that is a token is taken whole, whatever the merges say. */
  ignoreMerges: boolean;
  json: Record<string, unknown>;
  nVocab: number;
  filePath: string;
};

export type AddedToken = { id: number; text: string; special: boolean };

/** Throws {@link CheckpointError} for anything but a whole BPE model of at most `nVocab` tokens. */
export function readBpe(json: Record<string, unknown>, nVocab: number, filePath: string): Bpe {
  const model = json['model'];
  if (!isJsonObject(model)) throw damaged(filePath, 'no model');
  checkKind(model, filePath);
  const vocab = readVocab(model['vocab'], nVocab, filePath);
  return {
    vocab,
    merges: readMerges(model['merges'], filePath),
    added: readAdded(json['added_tokens'], vocab, filePath),
    byteFallback: model['byte_fallback'] === true,
    ignoreMerges: model['ignore_merges'] === true,
    json,
    nVocab,
    filePath,
  };
}

function damaged(filePath: string, problem: string): CheckpointError {
  return new CheckpointError(filePath, `its tokenizer.json has ${problem}; it is damaged`);
}

/** What tokenizers can do and llama.cpp's BPE cannot. */
const UNKNOWN_TO_LLAMA_CPP = ['continuing_subword_prefix', 'end_of_word_suffix', 'dropout'];

function checkKind(model: Record<string, unknown>, filePath: string): void {
  // Files older than tokenizers 0.8 name no type.
  const type = model['type'] ?? 'BPE';
  if (type !== 'BPE')
    throw new CheckpointError(
      filePath,
      `its tokenizer.json is a ${quote(type)} model; llama.cpp runs only "BPE" for a Llama`,
    );
  const setting = UNKNOWN_TO_LLAMA_CPP.find((name) => model[name]);
  if (setting)
    throw new CheckpointError(
      filePath,
      `its tokenizer.json has ${setting} ${quote(model[setting])}, which llama.cpp cannot reproduce`,
    );
}

function readVocab(vocab: unknown, nVocab: number, filePath: string): Map<string, number> {
  if (!isJsonObject(vocab)) throw damaged(filePath, 'no vocab');
  const ids = new Map<string, number>();
  // No Set and no list of entries: of a large vocabulary they would take tens of megabytes.
  const seen = new Uint8Array(nVocab);
  for (const token in vocab) {
    const id = vocab[token];
    if (!isId(id)) throw damaged(filePath, `the id ${quote(id)} for ${quote(token)}`);
    if (id >= nVocab) throw tooManyTokens(token, id, nVocab, filePath);
    if (seen[id]) throw damaged(filePath, `the id ${id} twice`);
    seen[id] = 1;
    ids.set(token, id);
  }
  return ids;
}

function isId(id: unknown): id is number {
  return Number.isSafeInteger(id) && Number(id) >= 0;
}

function tooManyTokens(
  token: string,
  id: number,
  nVocab: number,
  filePath: string,
): CheckpointError {
  return new CheckpointError(
    filePath,
    `its tokenizer has the token ${quote(token)} with id ${id}, the embedding only ${nVocab} rows; pass the tokenizer that belongs to the model`,
  );
}

function readMerges(merges: unknown, filePath: string): string[] {
  if (!Array.isArray(merges)) throw damaged(filePath, 'no merges');
  return merges.map((merge) => {
    const text = typeof merge === 'string' ? merge : joinPair(merge);
    if (!text || !/^[^ ]+ [^ ]+$/.test(text))
      throw damaged(filePath, `the merge ${quote(merge)}, expected two parts`);
    return text;
  });
}

/** Since transformers 4.45 merges are pairs; a space inside is written as byte-level BPE does. */
function joinPair(pair: unknown): string | null {
  if (!Array.isArray(pair) || pair.length !== 2) return null;
  if (!pair.every((part) => typeof part === 'string')) return null;
  return pair.map((part: string) => part.replaceAll(' ', 'Ġ')).join(' ');
}

function readAdded(
  added: unknown,
  vocab: ReadonlyMap<string, number>,
  filePath: string,
): AddedToken[] {
  if (added === undefined || added === null) return [];
  if (!Array.isArray(added)) throw damaged(filePath, 'added_tokens that are no list');
  return added.map((token) => {
    const { id, content, special } = isJsonObject(token) ? token : {};
    if (!isId(id) || typeof content !== 'string')
      throw damaged(filePath, `the added token ${quote(token)}`);
    if ((vocab.get(content) ?? id) !== id)
      throw damaged(filePath, `the ids ${vocab.get(content)} and ${id} for ${quote(content)}`);
    return { id, text: content, special: special === true };
  });
}
