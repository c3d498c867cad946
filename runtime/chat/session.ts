// A conversation that outlives the program: FILE has the messages, FILE.kv the model's cache of them.
// The messages are written after every answer, the cache (up to gigabytes) when chat ends: it only
// saves time, so one that is missing, damaged or of other settings costs nothing but a note.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { Engine } from '../engine/engine.js';
import { loadConversation, saveConversation } from './conversation-file.js';
import type { Transcript } from './transcript.js';

const VERSION = 1;

/** Tells one model file from another in a moment; the log has the hash of the whole file. */
type ModelFingerprint = { name: string; size_bytes: number; sha256_of_pieces: string };

const PIECES = 64;
const PIECE_BYTES = 64 * 1024;

/** What the cache's file must be for it to be used. */
type KvFile = { size_bytes: number; crc32: number };

export class Session {
  readonly #path: string;
  readonly #model: ModelFingerprint;
  #kv: KvFile | null;

  private constructor(path: string, model: ModelFingerprint, kv: KvFile | null) {
    this.#path = path;
    this.#model = model;
    this.#kv = kv;
  }

  /**
   * Opens the session, or begins one where there is no such file, and fills the conversation.
   * Throws for a file that is not a session, is one of another model, or cannot be written: better
   * now than after an answer.
   */
  static async open(
    path: string,
    { modelPath, modelName }: { modelPath: string; modelName: string },
    conversation: Transcript,
  ): Promise<Session> {
    const model = await fingerprintModel(modelPath, modelName);
    const kv = (await isMissingOrEmpty(path)) ? null : await readSession(path, model, conversation);
    const session = new Session(path, model, kv);
    await session.saveMessages(conversation);
    return session;
  }

  get #kvPath(): string {
    return `${this.#path}.kv`;
  }

  /** Gives the engine its cache back. Returns why not, where that cannot be. */
  async restore(engine: Engine): Promise<string | null> {
    if (!this.#kv) return null;
    try {
      const found = await describe(this.#kvPath);
      if (found.size_bytes !== this.#kv.size_bytes || found.crc32 !== this.#kv.crc32)
        throw new Error(`${this.#kvPath} is not the one that ${this.#path} was saved with`);
      await engine.loadSession(this.#kvPath);
      return null;
    } catch (error) {
      return `the conversation is evaluated again: ${(error as Error).message}`;
    }
  }

  async saveMessages(conversation: Transcript): Promise<void> {
    const session = { hearth_session: VERSION, model: this.#model, kv: this.#kv };
    await saveConversation(this.#path, conversation, session);
  }

  /** Saves the cache and the messages. Returns why the cache was not, where that cannot be. */
  async saveAll(conversation: Transcript, engine: Engine): Promise<string | null> {
    const problem = conversation.turnCount === 0 ? await this.#forget() : await this.#keep(engine);
    await this.saveMessages(conversation);
    return problem;
  }

  async #keep(engine: Engine): Promise<string | null> {
    try {
      await engine.saveSession(this.#kvPath);
      this.#kv = await describe(this.#kvPath);
      return null;
    } catch (error) {
      return `the session is saved without its cache: ${(error as Error).message}`;
    }
  }

  /** What was reset must not stay on the disk. */
  async #forget(): Promise<null> {
    this.#kv = null;
    await rm(this.#kvPath, { force: true });
    return null;
  }
}

async function isMissingOrEmpty(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new Error(`the session ${path} cannot be read: ${error.message}`, { cause: error });
  });
  return found === null || (found.isFile() && found.size === 0);
}

async function readSession(
  path: string,
  model: ModelFingerprint,
  conversation: Transcript,
): Promise<KvFile | null> {
  const file = await loadConversation(path, conversation);
  checkSession(path, file, model);
  const { size_bytes, crc32 } = Object(file['kv']) as Partial<KvFile>;
  const isWhole = typeof size_bytes === 'number' && typeof crc32 === 'number';
  return isWhole ? { size_bytes, crc32 } : null;
}

function checkSession(path: string, file: Record<string, unknown>, model: ModelFingerprint): void {
  if (file['hearth_session'] !== VERSION)
    throw new Error(
      `${path} is not a session of this version of hearth; name another file, or read it with /load`,
    );
  const saved = Object(file['model']) as Partial<ModelFingerprint>;
  const isSame =
    saved.size_bytes === model.size_bytes && saved.sha256_of_pieces === model.sha256_of_pieces;
  if (isSame) return;
  throw new Error(
    `${path} is a session of another model, ${saved.name ?? 'unknown'}; name another file for ${model.name}, or take its messages over with /load`,
  );
}

/** Of pieces from all over the file: hashing gigabytes whole would delay the first answer. */
async function fingerprintModel(modelPath: string, name: string): Promise<ModelFingerprint> {
  const file = await open(modelPath, 'r');
  try {
    const { size } = await file.stat();
    const hash = createHash('sha256');
    const stride = Math.max(PIECE_BYTES, (size - PIECE_BYTES) / (PIECES - 1));
    for (let piece = 0; piece < PIECES; piece++) {
      const bytes = Buffer.alloc(PIECE_BYTES);
      const position = Math.floor(piece * stride);
      if (position >= size) break;
      const { bytesRead } = await file.read(bytes, 0, PIECE_BYTES, position);
      hash.update(bytes.subarray(0, bytesRead));
    }
    return { name, size_bytes: size, sha256_of_pieces: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

async function describe(path: string): Promise<KvFile> {
  let [sizeBytes, checksum] = [0, 0];
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    sizeBytes += (chunk as Buffer).length;
    checksum = crc32(chunk as Buffer, checksum);
  }
  return { size_bytes: sizeBytes, crc32: checksum };
}
