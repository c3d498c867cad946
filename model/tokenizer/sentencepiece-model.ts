// Reads tokenizer.model: sentencepiece's ModelProto (google/sentencepiece, sentencepiece_model.proto).
// Field by field, so that a hostile file of millions of empty pieces ends at the embedding's rows.
// Does not judge whether llama.cpp can run the model.
import protobuf from 'protobufjs/minimal.js';
import { CheckpointError } from '../checkpoint/checkpoint-error.js';

export type SentencePiece = { text: string; score: number; type: number };

export type SentencePieceModel = {
  pieces: SentencePiece[];
  /** `UNIGRAM`, `BPE`, `WORD` or `CHAR`. */
  modelType: string;
  bosId: number;
  eosId: number;
  /** Such as `identity` or `nmt_nfkc`. */
  normalizer: string;
  /** Whether the normaliser changes characters, and not only spaces. */
  mapsCharacters: boolean;
  addDummyPrefix: boolean;
  removeExtraWhitespaces: boolean;
};

/** `SentencePiece.Type` of the proto. */
export const PIECE_TYPES = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const;

const MODEL_TYPES: Record<number, string> = { 1: 'UNIGRAM', 2: 'BPE', 3: 'WORD', 4: 'CHAR' };

/** Throws {@link CheckpointError} if damaged, or if it has more than `maxPieces` pieces. */
export function readSentencePieceModel(
  bytes: Uint8Array,
  maxPieces: number,
  filePath: string,
): SentencePieceModel {
  try {
    return readModel(bytes, maxPieces, filePath);
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(filePath, 'its sentencepiece model is damaged', { cause });
  }
}

function readModel(bytes: Uint8Array, maxPieces: number, filePath: string): SentencePieceModel {
  const model = emptyModel();
  readFields(bytes, (field, reader) => {
    if (field === 1) model.pieces.push(readPiece(reader.bytes()));
    else if (field === 2) readTrainerSpec(reader.bytes(), model);
    else if (field === 3) readNormalizerSpec(reader.bytes(), model);
    else return false;
    if (model.pieces.length > maxPieces) throw tooManyPieces(maxPieces, filePath);
    return true;
  });
  if (model.pieces.length === 0)
    throw new CheckpointError(filePath, 'its sentencepiece model has no pieces; it is damaged');
  return model;
}

/** The proto's defaults. */
function emptyModel(): SentencePieceModel {
  return {
    pieces: [],
    modelType: 'UNIGRAM',
    bosId: 1,
    eosId: 2,
    normalizer: '',
    mapsCharacters: false,
    addDummyPrefix: true,
    removeExtraWhitespaces: true,
  };
}

function tooManyPieces(maxPieces: number, filePath: string): CheckpointError {
  return new CheckpointError(
    filePath,
    `its sentencepiece model has more than the ${maxPieces} tokens that the embedding has rows; pass the tokenizer that belongs to the model`,
  );
}

function readPiece(bytes: Uint8Array): SentencePiece {
  const piece: SentencePiece = { text: '', score: 0, type: PIECE_TYPES.normal };
  readFields(bytes, (field, reader) => {
    if (field === 1) piece.text = decodeUtf8(reader.bytes());
    else if (field === 2) piece.score = finite(reader.float());
    else if (field === 3) piece.type = reader.int32();
    else return false;
    return true;
  });
  return piece;
}

function readTrainerSpec(bytes: Uint8Array, model: SentencePieceModel): void {
  readFields(bytes, (field, reader) => {
    if (field === 3) model.modelType = MODEL_TYPES[reader.int32()] ?? 'of an unknown kind';
    else if (field === 41) model.bosId = reader.int32();
    else if (field === 42) model.eosId = reader.int32();
    else return false;
    return true;
  });
}

function readNormalizerSpec(bytes: Uint8Array, model: SentencePieceModel): void {
  readFields(bytes, (field, reader) => {
    if (field === 1) model.normalizer = decodeUtf8(reader.bytes());
    else if (field === 2) model.mapsCharacters = reader.bytes().length > 0;
    else if (field === 3) model.addDummyPrefix = reader.bool();
    else if (field === 4) model.removeExtraWhitespaces = reader.bool();
    else return false;
    return true;
  });
}

/** Calls `readField` for each field of a message; where it returns false, the field is skipped. */
function readFields(
  bytes: Uint8Array,
  readField: (field: number, reader: protobuf.Reader) => boolean,
): void {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (!readField(tag >>> 3, reader)) reader.skipType(tag & 7);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

function finite(score: number): number {
  if (!Number.isFinite(score)) throw new RangeError(`a score is ${score}`);
  return score;
}
