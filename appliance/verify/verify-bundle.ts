// Whether a bundle is what its manifest says, and whose, read as it streams by: nothing is unpacked.
// The signature is checked before the manifest is read, and the manifest before any other file.
import { createHash, type KeyObject } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import {
  BundleError,
  type BundleFile,
  type BundleManifest,
  type BundleTarget,
  MAX_MANIFEST_BYTES,
  parseBundleManifest,
} from '../manifest.js';
import { MANIFEST_NAME, TOP_FOLDER } from '../pack/layout.js';
import { openPackedFile } from '../packed-file.js';
import { unsafePathReason } from '../safe-path.js';
import { checkSignature, SIGNATURE_SUFFIX } from '../signature.js';
import { readTar, type TarEntry } from '../tar-reader.js';

const SIGNATURE_NAME = `${MANIFEST_NAME}${SIGNATURE_SUFFIX}`;
/** Far more than one takes. */
const MAX_SIGNATURE_BYTES = 4096;

export type VerifyRequest = {
  bundle: string;
  /** Where given, its owner has to have signed. */
  publicKey?: KeyObject | null;
  /** Where given, the bundle has to be for it. */
  target?: BundleTarget | null;
  signal?: AbortSignal;
  onBytes?(bytesDone: number, totalBytes: number): void;
};

export type VerifiedBundle = {
  manifest: BundleManifest;
  /** By the owner of the given key; otherwise nobody has looked. */
  signature: 'checked' | 'not checked' | 'none';
  contentBytes: number;
};

/** Throws BundleError, ManifestError or SignatureError. */
export async function verifyBundle(request: VerifyRequest): Promise<VerifiedBundle> {
  const reader = await openPackedFile(request.bundle, (...words) => new BundleError(...words));
  try {
    const entries = readTar(reader.chunks, request.bundle);
    return await new Verification(request).run(entries);
  } finally {
    await reader.close();
  }
}

class Verification {
  readonly #request: VerifyRequest;
  #text: Buffer | null = null;
  #signature: Buffer | null = null;
  #manifest: BundleManifest | null = null;
  readonly #left = new Map<string, BundleFile>();
  #bytesDone = 0;
  #contentBytes = 0;

  constructor(request: VerifyRequest) {
    this.#request = request;
  }

  async run(entries: AsyncIterable<TarEntry>): Promise<VerifiedBundle> {
    for await (const entry of entries) {
      const name = this.#nameOf(entry);
      if (!this.#text)
        this.#text = await this.#take(entry, name, MANIFEST_NAME, MAX_MANIFEST_BYTES);
      else if (!this.#manifest && name === SIGNATURE_NAME)
        this.#signature = await this.#take(entry, name, SIGNATURE_NAME, MAX_SIGNATURE_BYTES);
      else await this.#checkFile(entry, name);
    }
    const manifest = await this.#readManifest();
    const [missing] = this.#left.keys();
    if (missing !== undefined) throw this.#wrong(`${missing} is missing`);
    const { publicKey } = this.#request;
    const signature = !this.#signature ? 'none' : publicKey ? 'checked' : 'not checked';
    return { manifest, signature, contentBytes: this.#contentBytes };
  }

  #nameOf({ path, type }: TarEntry): string {
    const name = path.startsWith(`${TOP_FOLDER}/`) ? path.slice(TOP_FOLDER.length + 1) : null;
    const reason = unsafePathReason(path) ?? (name === null && `is not below ${TOP_FOLDER}/`);
    if (reason) throw this.#wrong(`its entry ${JSON.stringify(path)} ${reason}`);
    if (type !== '0') throw this.#wrong(`its entry ${JSON.stringify(path)} is not a regular file`);
    return name as string;
  }

  async #take(entry: TarEntry, name: string, wanted: string, maxBytes: number): Promise<Buffer> {
    if (name !== wanted) throw this.#wrong(`it starts with ${name}; expected ${wanted}`);
    if (entry.sizeBytes > maxBytes) throw this.#wrong(`${name} has ${entry.sizeBytes} bytes`);
    return Buffer.from(await buffer(entry.content));
  }

  /** Once, when everything is there that vouches for it. */
  async #readManifest(): Promise<BundleManifest> {
    if (this.#manifest) return this.#manifest;
    const { bundle, publicKey, target } = this.#request;
    if (!this.#text) throw this.#wrong('it is empty');
    if (publicKey)
      checkSignature(this.#text, { signature: this.#signature, publicKey, where: bundle });
    const manifest = await parseBundleManifest(
      this.#text.toString(),
      `${bundle}: ${MANIFEST_NAME}`,
    );
    if (target && manifest.target !== target)
      throw this.#wrong(`it is for ${manifest.target}, not for ${target}`);
    for (const file of manifest.files) {
      this.#left.set(file.path, file);
      this.#contentBytes += file.size_bytes;
    }
    this.#manifest = manifest;
    return manifest;
  }

  async #checkFile(entry: TarEntry, name: string): Promise<void> {
    await this.#readManifest();
    const listed = this.#left.get(name);
    if (!listed) throw this.#wrong(`${name} is not in its manifest, or there twice`);
    this.#left.delete(name);
    const { sizeBytes, mode } = entry;
    if (sizeBytes !== listed.size_bytes)
      throw this.#wrong(`${name} has ${sizeBytes} bytes; expected ${listed.size_bytes}`);
    if (mode !== listed.mode)
      throw this.#wrong(
        `${name} has the mode ${mode.toString(8)}; expected ${listed.mode.toString(8)}`,
      );
    const hash = createHash('sha256');
    for await (const chunk of entry.content) {
      this.#request.signal?.throwIfAborted();
      hash.update(chunk);
      this.#bytesDone += chunk.length;
      this.#request.onBytes?.(this.#bytesDone, this.#contentBytes);
    }
    const sha256 = hash.digest('hex');
    if (sha256 !== listed.sha256)
      throw this.#wrong(`${name} has the SHA-256 ${sha256}; expected ${listed.sha256}`);
  }

  #wrong(problem: string): BundleError {
    return new BundleError(`${this.#request.bundle} is not to be trusted: ${problem}`);
  }
}
