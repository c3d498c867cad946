// A certificate and its private key, both PEM, as makers sign with them: read, and held against each other
// before anything is built, as a device would say what is wrong only on the day that it refuses it.
// Makes none: hearth keys does.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readTextFile } from '../terminal/text-file.js';
import { SignatureError } from './signature.js';

const MAX_PEM_BYTES = 64 << 10;

/** One that is valid today. Rejects with {@link SignatureError}. */
export async function readCertificate(file: string): Promise<X509Certificate> {
  const certificate = await parse(file, 'a certificate', (pem) => new X509Certificate(pem));
  const { validFrom, validTo } = certificate;
  if (new Date(validTo) < new Date())
    throw new SignatureError(
      `${file} ended on ${validTo}; devices would refuse it: make a new one`,
    );
  if (new Date(validFrom) > new Date())
    throw new SignatureError(`${file} begins on ${validFrom}; is the clock of this machine right?`);
  return certificate;
}

/** Rejects with {@link SignatureError} unless `key` is the private key of the certificate read from `file`. */
export async function checkKeyOf(
  certificate: X509Certificate,
  { file, key }: { file: string; key: string },
): Promise<KeyObject> {
  const signing = await parse(key, 'a private key', (pem) => createPrivateKey(pem));
  if (certificate.checkPrivateKey(signing)) return signing;
  throw new SignatureError(`${key} is not the key of ${file}; pass the two that belong together`);
}

async function parse<T>(file: string, what: string, read: (pem: string) => T): Promise<T> {
  const pem = await readTextFile(file, MAX_PEM_BYTES);
  try {
    return read(pem);
  } catch (cause) {
    const { message } = cause as Error;
    throw new SignatureError(`${file} is not ${what} in PEM: ${message}`, { cause });
  }
}
