// Ed25519 signatures of manifests, each in a file of 64 bytes beside what it signs, for openssl too.
// The bytes are checked before they are parsed, so a stranger's JSON is never even read.
// Makes no keys: `openssl genpkey -algorithm ed25519` does.
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';

/** `manifest.json` has its signature beside it as `manifest.json.sig`. */
export const SIGNATURE_SUFFIX = '.sig';
const SIGNATURE_BYTES = 64;
const MAX_KEY_BYTES = 64 << 10;

/** Thrown for a key that cannot be used, and for a signature that is missing or wrong. */
export class SignatureError extends Error {
  override readonly name = 'SignatureError';
  readonly code = 'HEARTH_SIGNATURE';
}

type Warn = (text: string) => void;

/** Reads a private key, as `openssl genpkey -algorithm ed25519` writes it. */
export async function readSigningKey(file: string, warn: Warn): Promise<KeyObject> {
  const key = await readKey(file, 'private', createPrivateKey);
  await warnIfOpen(file, warn);
  return key;
}

/** Of a secret that others can read. */
export async function warnIfOpen(file: string, warn: Warn): Promise<void> {
  const mode = (await stat(file).catch(() => null))?.mode ?? 0;
  if (mode & 0o077)
    warn(`others can read ${file} (mode ${(mode & 0o777).toString(8)}); run chmod 600 ${file}`);
}

/** Reads a public key, as `openssl pkey -pubout` writes it. */
export async function readPublicKey(file: string): Promise<KeyObject> {
  return await readKey(file, 'public', (pem) => {
    // Node would take the public half of a private key; who passes that around should hear of it.
    if (pem.includes('PRIVATE KEY'))
      throw new Error('it is a private one; pass what openssl pkey -pubout makes of it');
    return createPublicKey(pem);
  });
}

/** 64 bytes, the same for the same text and key. */
export function signText(text: string, key: KeyObject): Buffer {
  return sign(null, Buffer.from(text), key);
}

/**
 * Throws {@link SignatureError} unless `signature` is that of `bytes` by the owner of `publicKey`.
 * `signature` is null where there is none. `where` is what the error calls the signed file.
 */
export function checkSignature(
  bytes: Uint8Array,
  { signature, publicKey, where }: CheckedSignature,
): void {
  if (!signature)
    throw new SignatureError(`${where} is not signed; a key was given, so it has to be`);
  if (signature.length !== SIGNATURE_BYTES)
    throw new SignatureError(
      `the signature of ${where} has ${signature.length} bytes; expected ${SIGNATURE_BYTES}`,
    );
  if (!verify(null, bytes, publicKey, signature))
    throw new SignatureError(
      `the signature of ${where} is not by this key, or ${where} was changed since; get both again from who made them`,
    );
}

type CheckedSignature = { signature: Uint8Array | null; publicKey: KeyObject; where: string };

async function readKey(
  file: string,
  kind: 'private' | 'public',
  create: (pem: string) => KeyObject,
): Promise<KeyObject> {
  const fail = (problem: string) =>
    new SignatureError(`${file} is not a ${kind} Ed25519 key in PEM: ${problem}`);
  try {
    const { size } = await stat(file);
    if (size > MAX_KEY_BYTES) throw new Error(`it has ${size} bytes`);
    const key = create(await readFile(file, 'utf8'));
    if (key.asymmetricKeyType === 'ed25519') return key;
    throw new Error(`its type is ${key.asymmetricKeyType}`);
  } catch (error) {
    throw fail((error as Error).message);
  }
}
